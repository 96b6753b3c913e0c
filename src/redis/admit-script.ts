// The Lua that decides in Redis, atomically and on Redis time. Numbers are doubles there: exact for microseconds.

/**
 * Both scripts begin with this. `wait_of` is waitOfCap of domain/caps.ts: it takes a cap's key and its windows (count
 * and microseconds of each, sorted by count), and returns the wait (ms). `count` remembers a failure; what is
 * remembered is as long as the largest count.
 */
const CAPS = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function text(number) return string.format('%.0f', number) end
-- Rounded up: after so long it is sure to be over.
local function ms(micros) return math.ceil(micros / 1000) end

local function wait_of(key, windows)
  local wait = 0
  for i = 1, #windows, 2 do
    local failure = redis.call('LINDEX', key, windows[i] - 1)
    if not failure then break end
    wait = math.max(wait, ms(failure + windows[i + 1] - now))
  end
  return wait
end

local function count(key, windows)
  redis.call('LPUSH', key, text(now))
  redis.call('LTRIM', key, 0, windows[#windows - 1] - 1)
  redis.call('PEXPIRE', key, text(ms(windows[#windows])))
end
`;

/**
 * Lets each of some calls in or not, one after the other.
 * KEYS: of each call its nonce, limits, caps. ARGV: the calls as JSON (`CallWords` in admit.ts).
 * Returns for each call an outcome (0 admitted, 1 replayed, 2 limited) and the moment (µs); unless replayed also which
 * limit or cap makes wait longest (limits first, from 1; 0 when none) and how long (ms), and of each limit what
 * remains and how long until it is whole again (ms).
 */
export const ADMIT = `${CAPS}
local function admit(first, edge_request_id, nonce_ms, paces, caps)
  local stored = redis.call('MGET', unpack(KEYS, first, first + #paces))
  -- The same call once more, from the edge: it passes and is not charged again.
  local is_retry = edge_request_id ~= '' and stored[1] == edge_request_id
  if stored[1] and not is_retry then return {1, now} end

  local longest, refusing = 0, 0
  local befores, afters = {}, {}
  for i, pace in ipairs(paces) do
    local full = now + pace[2]
    befores[i] = math.min(math.max(tonumber(stored[1 + i] or now), now), full)
    afters[i] = befores[i] + (is_retry and 0 or pace[3])
    local wait = ms(afters[i] - full)
    if wait > longest then longest, refusing = wait, i end
  end
  for i, cap in ipairs(caps) do
    local wait = wait_of(KEYS[first + #paces + i], cap[2])
    if wait > longest then longest, refusing = wait, #paces + i end
  end

  local is_admitted = is_retry or refusing == 0
  -- A refused call leaves nothing behind, not even its nonce: it was not done, so doing it later is no replay.
  if is_admitted and not is_retry then
    redis.call('SET', KEYS[first], edge_request_id, 'PX', nonce_ms)
    for i, tat in ipairs(afters) do
      -- It is forgotten when it says no more than that the caller rests.
      if tat > now then redis.call('SET', KEYS[first + i], text(tat), 'PX', text(ms(tat - now))) end
    end
    for i, cap in ipairs(caps) do
      if cap[1] == 1 then count(KEYS[first + #paces + i], cap[2]) end
    end
  end

  local answer = {is_admitted and 0 or 2, now, is_admitted and 0 or refusing, is_admitted and 0 or longest}
  for i, pace in ipairs(paces) do
    local tat = is_admitted and afters[i] or befores[i]
    answer[3 + 2 * i] = math.floor((now + pace[2] - tat) / pace[1])
    answer[4 + 2 * i] = ms(tat - now)
  end
  return answer
end

local answers, first = {}, 1
for i, call in ipairs(cjson.decode(ARGV[1])) do
  answers[i] = admit(first, unpack(call))
  first = first + 1 + #call[3] + #call[4]
end
return answers
`;

/**
 * Counts a failure under all of the caps, or under none when one of them is reached already.
 * KEYS: caps. ARGV: the windows of each, as JSON. Returns the moment (µs), which cap makes wait longest (from 1, 0 when
 * it was counted) and how long (ms).
 */
export const NOTE_FAILURE = `${CAPS}
local longest, capping = 0, 0
local windows = cjson.decode(ARGV[1])
for i, key in ipairs(KEYS) do
  local wait = wait_of(key, windows[i])
  if wait > longest then longest, capping = wait, i end
end
if capping == 0 then
  for i, key in ipairs(KEYS) do count(key, windows[i]) end
end
return {now, capping, longest}
`;
