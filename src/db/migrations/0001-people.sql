-- Users, friendships, rooms and members: who there is, apart from any money.

CREATE TABLE users (
  id bigint PRIMARY KEY CHECK (id > 0),
  display_name text NOT NULL CHECK (display_name <> ''),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

-- A friendship is two rows, one for each side, so that a list of friends is one range of the primary key.
CREATE TABLE friendships (
  user_id bigint NOT NULL REFERENCES users (id),
  friend_user_id bigint NOT NULL REFERENCES users (id),
  created_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (user_id, friend_user_id),
  CHECK (user_id <> friend_user_id)
);

CREATE TABLE rooms (
  id text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9_-]{1,64}$'),
  display_name text NOT NULL CHECK (display_name <> ''),
  owner_user_id bigint NOT NULL REFERENCES users (id),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE room_members (
  room_id text NOT NULL REFERENCES rooms (id),
  user_id bigint NOT NULL REFERENCES users (id),
  joined_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (room_id, user_id)
);

GRANT SELECT, INSERT, UPDATE ON users, rooms TO ppuri_app;
GRANT SELECT, INSERT, DELETE ON friendships, room_members TO ppuri_app;
