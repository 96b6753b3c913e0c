// The Lua scripts that change cache entries in Redis. The first letter of a value says what it is:
//
//   T<name>                         a claim (taken): a reader missed the entry and reads Postgres; only that reader may fill it
//   M<version>                      a tombstone (modified): a commit that brings this version is under way; nobody may fill it
//   V<version>|<time>|<seal>|<text> an entry of this version (valid)

/** The version of a value: -1 where it has none, as a claim does, or a foreign value of any type. */
const VERSION_OF = `
local function version_of(key)
  local found = redis.pcall('GET', key)
  return type(found) == 'string' and tonumber(string.match(found, '^[MV](%d+)')) or -1
end
`;

/**
 * ARGV: time to live (ms), then a version for each key. Sets tombstones where no higher version stands. A higher tombstone, of
 * a commit that failed, lives on for as long as this commit's own would.
 */
export const SET_TOMBSTONES = `${VERSION_OF}
for i, key in ipairs(KEYS) do
  local version = ARGV[i + 1]
  if version_of(key) <= tonumber(version) then
    redis.call('SET', key, 'M' .. version, 'PX', ARGV[1])
  elseif string.sub(redis.call('GET', key), 1, 1) == 'M' then
    redis.call('PEXPIRE', key, ARGV[1], 'GT')
  end
end
return 1
`;

/** ARGV: a version for each key. Removes the tombstones of exactly these versions. */
export const REMOVE_TOMBSTONES = `
for i, key in ipairs(KEYS) do
  if redis.call('GET', key) == 'M' .. ARGV[i] then redis.call('DEL', key) end
end
return 1
`;

/** ARGV: for each key its version, its time to live (ms) and its entry. A lower version never replaces a higher one. */
export const PUT = `${VERSION_OF}
for i, key in ipairs(KEYS) do
  local arg = 3 * i - 2
  if version_of(key) <= tonumber(ARGV[arg]) then
    redis.call('SET', key, ARGV[arg + 2], 'PX', ARGV[arg + 1])
  end
end
return 1
`;

/**
 * ARGV: time to live of a claim (ms), then a claim's name for each key. Returns the value of each key, and claims the keys that
 * have none. SET with NX and GET reads and claims in one step; Redis has it from 7.0 on.
 */
export const GET_OR_CLAIM = `
local found = {}
for i, key in ipairs(KEYS) do
  found[i] = redis.call('SET', key, 'T' .. ARGV[i + 1], 'PX', ARGV[1], 'NX', 'GET')
end
return found
`;

/** ARGV: for each key the claim, the time to live (ms) and the entry. Fills the entry in where the claim still stands. */
export const FILL = `
for i, key in ipairs(KEYS) do
  local arg = 3 * i - 2
  if redis.call('GET', key) == ARGV[arg] then
    redis.call('SET', key, ARGV[arg + 2], 'PX', ARGV[arg + 1])
  end
end
return 1
`;

/** ARGV: a value. Deletes the key if this is still its value. */
export const DELETE_IF_EQUAL = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`;
