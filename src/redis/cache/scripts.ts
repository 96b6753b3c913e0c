// The Lua that changes copies in Redis. What stands under a key begins with a letter that says what it is:
//
//   T<name>                  taken: somebody missed it and reads it from Postgres; only they may fill it in
//   M<version>               marked: a commit is under way that brings this version; nobody fills it in
//   V<version>|<time>|<seal>|<text> a copy of this version

/** The version of what stands under a key: -1 where it has none, such as something taken, or foreign and of any type. */
const VERSION_OF = `
local function version_of(key)
  local found = redis.pcall('GET', key)
  return type(found) == 'string' and tonumber(string.match(found, '^[MV](%d+)')) or -1
end
`;

/**
 * ARGV: time to live (ms), then a version for each key. Marks what is not newer. A mark that is higher, of a commit that
 * came to nothing, stays as long as the newer commit's own would.
 */
export const MARK = `${VERSION_OF}
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

/** ARGV: a version for each key. Takes away the marks of these versions. */
export const UNMARK = `
for i, key in ipairs(KEYS) do
  if redis.call('GET', key) == 'M' .. ARGV[i] then redis.call('DEL', key) end
end
return 1
`;

/** ARGV: for each key its version, its time to live (ms) and its entry. An older version never replaces a newer one. */
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
 * ARGV: time to live of what is taken (ms), then a name for each key. Returns what stands under each key; takes those
 * under which nothing does. GET beside NX is one look and one claim; Redis has it from 7.0 on.
 */
export const LOOK = `
local found = {}
for i, key in ipairs(KEYS) do
  found[i] = redis.call('SET', key, 'T' .. ARGV[i + 1], 'PX', ARGV[1], 'NX', 'GET')
end
return found
`;

/**
 * ARGV: for each key what must stand there still, its time to live (ms) and its entry. Fills in what was taken, if nobody
 * touched it since.
 */
export const FILL = `
for i, key in ipairs(KEYS) do
  local arg = 3 * i - 2
  if redis.call('GET', key) == ARGV[arg] then
    redis.call('SET', key, ARGV[arg + 2], 'PX', ARGV[arg + 1])
  end
end
return 1
`;

/** ARGV: what must stand there still. Drops it. */
export const DROP = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
`;
