// The kind of failure that the person at the keyboard can mend.

/** Something about this machine or the settings is in the way; the message is one line that says what to do. */
export class SetupError extends Error {}
