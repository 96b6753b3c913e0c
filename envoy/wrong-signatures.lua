-- Limits connections over which wrong signatures come: beyond fifty (one is forgotten each second) their calls are
-- answered 429 before the body is parsed, hashed, transcoded or sent to a server. A connection over which a call succeeded
-- within the last minute is never limited, so that nobody who shares it with a forger (behind a proxy) is refused, and other
-- connections from the same address are not affected.
--
-- src/grpc/interceptors/wrong-signatures.ts tells how this differs from what the servers count.
--
-- Each worker thread of Envoy has its own state; a connection stays on one thread.
local MAX_WRONG, TRUST_S = 50, 60
-- Entries before the older half is dropped.
local MAX_ENTRIES = 10000

-- Keeps the newest keys: when the younger table is full it becomes the older one.
local function newest()
  return { young = {}, old = {}, size = 0 }
end

local function valueOf(map, key)
  local value = map.young[key]
  if value == nil then value = map.old[key] end
  return value
end

local function store(map, key, value)
  if map.young[key] == nil then
    if map.size >= MAX_ENTRIES then
      map.old, map.young, map.size = map.young, {}, 0
    end
    map.size = map.size + 1
  end
  map.young[key] = value
end

-- By connection (the peer's address and port): until when it is trusted, and the second at which its last wrong signature
-- is forgotten. Both in seconds since 1970.
local trustedUntil, forgottenAt = newest(), newest()

local function connectionOf(handle)
  return handle:streamInfo():downstreamDirectRemoteAddress()
end

-- Whether a call is refused for the wrong signatures that came over its connection.
local function isLimited(handle)
  local connection = connectionOf(handle)
  local at = valueOf(forgottenAt, connection)
  if at == nil then return false end
  local now = os.time()
  return at > now + MAX_WRONG and (valueOf(trustedUntil, connection) or 0) < now
end

local function noteAnswer(handle, status)
  if status == "401" then
    local connection, now = connectionOf(handle), os.time()
    store(forgottenAt, connection, math.max(valueOf(forgottenAt, connection) or now, now) + 1)
  elseif status == "200" then
    store(trustedUntil, connectionOf(handle), os.time() + TRUST_S)
  end
end
