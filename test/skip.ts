// What a test file does where a part cannot be had: npm test has said so loudly, and with CI=true it has failed there.

/** For tests that need the edge: the reason to skip them, or false. */
export const withoutEdge = process.env.TEST_ENVOY === '' ? 'Envoy cannot be had here' : false;
