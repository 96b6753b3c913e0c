// The Lua scripts that change cache entries in Redis. The first letter of a value says what it is:
//
//   T<name>                         a claim (taken): a reader missed the entry and reads Postgres; only that reader may fill it
//   M<version>                      a tombstone (modified): a commit that brings this version is under way; nobody may fill it
//   V<version>|<time>|<seal>|<text> an entry of this version (valid)

/** Calls `each` with every key's place and value, which is false where it has none or is no string. It reads them with few commands. */
const READ_EACH = `
local function read_each(each)
  for from = 1, #KEYS, 1000 do
    local to = math.min(from + 999, #KEYS)
    local found = redis.call('MGET', unpack(KEYS, from, to))
    for i = from, to do each(i, found[i - from + 1]) end
  end
end
`;

/**
 * ARGV: time to live (ms), then a version for each key. No key may be given twice. Sets tombstones where there is no higher version. A
 * higher tombstone, of a commit that failed, lives on for as long as this commit's own would. Returns for each key how long the
 * entry that it replaced would have lived (ms); -1 where a reader had claimed the key, and 0 where nobody reads it.
 */
export const SET_TOMBSTONES = `${READ_EACH}
local lives = {}
read_each(function(i, found)
  local key, version = KEYS[i], ARGV[i + 1]
  local kind = found and string.sub(found, 1, 1)
  local other = found and tonumber(string.match(found, '^[MV](%d+)')) or -1
  lives[i] = kind == 'V' and redis.call('PTTL', key) or kind == 'T' and -1 or 0
  if other <= tonumber(version) then
    redis.call('SET', key, 'M' .. version, 'PX', ARGV[1])
  elseif kind == 'M' then
    redis.call('PEXPIRE', key, ARGV[1], 'GT')
  end
end)
return lives
`;

/**
 * ARGV: a version for each key, then the time to live (ms) and the entry of as many of the first keys as have one. Replaces the
 * tombstones of exactly these versions by the entries, removes those of the other keys, and leaves everything else: whatever came
 * after the tombstone knows better. It removes first, which a Redis without memory allows, and then writes, whatever it has left.
 */
export const REPLACE_TOMBSTONES = `${READ_EACH}
local removed, replaced = {}, {}
read_each(function(i, found)
  if found ~= 'M' .. ARGV[i] then return end
  if ARGV[#KEYS + 2 * i] then replaced[#replaced + 1] = i else removed[#removed + 1] = KEYS[i] end
end)
for from = 1, #removed, 1000 do redis.call('DEL', unpack(removed, from, math.min(from + 999, #removed))) end
for _, i in ipairs(replaced) do
  redis.call('SET', KEYS[i], ARGV[#KEYS + 2 * i], 'PX', ARGV[#KEYS + 2 * i - 1])
end
return 1
`;

/**
 * KEYS: the mark of the run, then the keys. ARGV: its value, time to live of a claim (ms), then a claim's name for each key.
 * Returns the value of each key, and claims the keys that have none. Returns nil, and claims nothing, where the mark is
 * another: Redis was emptied, and tombstones are lost. SET with NX and GET reads and claims in one step; Redis has it from 7.0 on.
 */
export const GET_OR_CLAIM = `
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return nil end
local found = {}
for i = 2, #KEYS do
  found[i - 1] = redis.call('SET', KEYS[i], 'T' .. ARGV[i + 1], 'PX', ARGV[2], 'NX', 'GET')
end
return found
`;

/** ARGV: for each key the claim, the time to live (ms) and the entry. Fills the entry in where the claim is still there. */
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
