// The Lua that decides in Redis, atomically and on Redis time. Numbers are doubles there: exact for microseconds.

/**
 * Both scripts begin with this. `wait_of` is waitOfCap of domain/caps.ts: it takes a cap's key and where its windows
 * stand in ARGV (how many, then count and microseconds of each, sorted by count), and returns the wait (ms) and where
 * the cap's arguments end. `count` remembers a failure; what is remembered is as long as the largest count.
 */
const CAPS = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function text(number) return string.format('%.0f', number) end
-- Rounded up: after so long it is sure to be over.
local function ms(micros) return math.ceil(micros / 1000) end

local function wait_of(key, arg)
  local last = arg + 2 * ARGV[arg]
  local wait = 0
  for window = arg + 1, last, 2 do
    local failure = redis.call('LINDEX', key, ARGV[window] - 1)
    if not failure then break end
    wait = math.max(wait, ms(failure + ARGV[window + 1] - now))
  end
  return wait, last
end

local function count(key, last)
  redis.call('LPUSH', key, text(now))
  redis.call('LTRIM', key, 0, ARGV[last - 1] - 1)
  redis.call('PEXPIRE', key, text(ms(ARGV[last])))
end
`;

/**
 * Lets one call in or not.
 * KEYS: nonce, limits, caps. ARGV: edge request id, nonce's life (ms), how many limits; of each limit its pace
 * (domain/limits.ts): interval, tolerance, charge; of each cap whether the call is a guess (1), and its windows.
 * Returns outcome (0 admitted, 1 replayed, 2 limited) and the moment (µs); unless replayed also which limit or cap
 * makes wait longest (in the order of KEYS from 1, 0 when none) and how long (ms), and of each limit what remains and
 * how long until it is whole again (ms).
 */
export const ADMIT = `${CAPS}
local limits = tonumber(ARGV[3])
local stored = redis.call('MGET', unpack(KEYS, 1, 1 + limits))
-- The same call once more, from the edge: it passes and is not charged again.
local is_retry = ARGV[1] ~= '' and stored[1] == ARGV[1]
if stored[1] and not is_retry then return {1, now} end

local longest, refusing = 0, 0
local befores, afters, arg = {}, {}, 4
for i = 1, limits do
  local full = now + ARGV[arg + 1]
  befores[i] = math.min(math.max(tonumber(stored[1 + i] or now), now), full)
  afters[i] = befores[i] + (is_retry and 0 or ARGV[arg + 2])
  local wait = ms(afters[i] - full)
  if wait > longest then longest, refusing = wait, i end
  arg = arg + 3
end

local guesses = {}
for i = limits + 1, #KEYS - 1 do
  local wait, last = wait_of(KEYS[1 + i], arg + 1)
  if wait > longest then longest, refusing = wait, i end
  if ARGV[arg] == '1' then guesses[KEYS[1 + i]] = last end
  arg = last + 1
end

local is_admitted = is_retry or refusing == 0
-- A refused call leaves nothing behind, not even its nonce: it was not done, so doing it later is no replay.
if is_admitted and not is_retry then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  for i, tat in ipairs(afters) do
    -- It is forgotten when it says no more than that the caller rests.
    if tat > now then redis.call('SET', KEYS[1 + i], text(tat), 'PX', text(ms(tat - now))) end
  end
  for key, last in pairs(guesses) do count(key, last) end
end

local answer = {is_admitted and 0 or 2, now, is_admitted and 0 or refusing, is_admitted and 0 or longest}
for i = 1, limits do
  local tat = is_admitted and afters[i] or befores[i]
  answer[3 + 2 * i] = math.floor((now + ARGV[2 + 3 * i] - tat) / ARGV[1 + 3 * i])
  answer[4 + 2 * i] = ms(tat - now)
end
return answer
`;

/**
 * Counts a failure under all of the caps, or under none when one of them is reached already.
 * KEYS: caps. ARGV: the windows of each. Returns the moment (µs), which cap makes wait longest (from 1, 0 when it was
 * counted) and how long (ms).
 */
export const NOTE_FAILURE = `${CAPS}
local longest, capping, lasts, arg = 0, 0, {}, 1
for i = 1, #KEYS do
  local wait, last = wait_of(KEYS[i], arg)
  if wait > longest then longest, capping = wait, i end
  lasts[i] = last
  arg = last + 1
end
if capping == 0 then
  for i = 1, #KEYS do count(KEYS[i], lasts[i]) end
end
return {now, capping, longest}
`;
