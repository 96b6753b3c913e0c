-- Friendship takes both sides, and who was taken out of a room by its owner comes back only through the owner.

-- Somebody asked somebody else to be friends. It goes when it is accepted, withdrawn or declined.
CREATE TABLE friend_requests (
  from_user_id bigint NOT NULL REFERENCES users (id),
  to_user_id bigint NOT NULL REFERENCES users (id),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (to_user_id, from_user_id),
  CHECK (from_user_id <> to_user_id)
);
CREATE INDEX friend_requests_of_sender ON friend_requests (from_user_id, to_user_id);

-- Whom the owner of a room took out of it.
CREATE TABLE room_removals (
  room_id text NOT NULL REFERENCES rooms (id),
  user_id bigint NOT NULL REFERENCES users (id),
  removed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (room_id, user_id)
);

-- What a user owns is counted when more is asked for.
GRANT SELECT, INSERT, DELETE ON friend_requests, room_removals TO ppuri_app;
