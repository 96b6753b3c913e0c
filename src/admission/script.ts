// The Lua script that decides in Redis, atomically and by the clock of Redis. Its numbers are doubles: exact for microseconds.

/**
 * Admits or refuses each of some calls, one after the other.
 *
 * KEYS: the nonce of each call, then all limits and then all caps that any of them has, each once.
 * ARGV: as JSON the calls, how many limits there are, and the windows of each cap (`ScriptArgument` in redis-admission.ts).
 * Returns as JSON the moment (µs) and for each call an outcome (0 admitted, 1 replayed, 2 limited); unless replayed also
 * which limit or cap has the longest wait (limits first, from 1; 0 when none) and how long (ms), and of each limit how far
 * ahead of the clock it is (µs).
 */
export const ADMIT = `
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local function text(number) return string.format('%.0f', number) end
-- Rounded up: after that many milliseconds it is over for certain.
local function ms(micros) return math.ceil(micros / 1000) end

-- waitOfCap of domain/caps.ts: the wait (ms) at a cap, by its windows (count and microseconds of each, sorted by count).
local function wait_of(key, windows)
  local wait = 0
  for i = 1, #windows, 2 do
    local failure = redis.call('LINDEX', key, windows[i] - 1)
    if not failure then break end
    wait = math.max(wait, ms(failure + windows[i + 1] - now))
  end
  return wait
end

-- Records a failure; the list is kept as long as the largest count.
local function record_failure(key, windows)
  local most = windows[#windows - 1]
  if redis.call('LPUSH', key, text(now)) > most then redis.call('LTRIM', key, 0, most - 1) end
  redis.call('PEXPIRE', key, text(ms(windows[#windows])))
end

local calls, limit_count, windows = unpack(cjson.decode(ARGV[1]))
local first_limit = #calls
local first_cap = first_limit + limit_count

local tats, is_changed = {}, {}
if limit_count > 0 then tats = redis.call('MGET', unpack(KEYS, first_limit + 1, first_cap)) end
for i = 1, limit_count do tats[i] = tonumber(tats[i] or 0) end

local waits = {}
local function wait_of_cap(cap)
  waits[cap] = waits[cap] or wait_of(KEYS[first_cap + cap], windows[cap])
  return waits[cap]
end

local answer = {text(now)}
local function append(number) answer[#answer + 1] = number end

for i, call in ipairs(calls) do
  local edge_request_id, nonce_ms, limits, caps = unpack(call)
  local stored = redis.call('SET', KEYS[i], edge_request_id, 'NX', 'GET', 'PX', nonce_ms)
  -- A retry by the edge: it is admitted and not charged again.
  local is_retry = edge_request_id ~= '' and stored == edge_request_id
  if stored and not is_retry then
    append(1)
  else
    local longest, refusing = 0, 0
    for j = 1, #limits, 3 do
      local limit, tolerance, charge = limits[j], limits[j + 1], is_retry and 0 or limits[j + 2]
      local full = now + tolerance
      -- A caller is further ahead than the burst only where the limit was lowered or the clock set back: neither locks out.
      local before = math.min(math.max(tats[limit], now), full)
      local wait = ms(before + charge - full)
      if wait > longest then longest, refusing = wait, (j + 2) / 3 end
    end
    for j = 1, #caps, 2 do
      local wait = wait_of_cap(caps[j])
      if wait > longest then longest, refusing = wait, #limits / 3 + (j + 1) / 2 end
    end

    local is_admitted = is_retry or refusing == 0
    if not is_admitted then
      -- A refused call leaves nothing behind, not even its nonce: it was not done, so doing it later is no replay.
      redis.call('DEL', KEYS[i])
      append(2) append(refusing) append(longest)
    else
      append(0) append(0) append(0)
      for j = 1, is_retry and 0 or #caps, 2 do
        if caps[j + 1] == 1 then
          record_failure(KEYS[first_cap + caps[j]], windows[caps[j]])
          waits[caps[j]] = nil
        end
      end
    end
    for j = 1, #limits, 3 do
      local limit, tolerance = limits[j], limits[j + 1]
      local tat = math.min(math.max(tats[limit], now), now + tolerance)
      if is_admitted and not is_retry then
        tat = tat + limits[j + 2]
        tats[limit], is_changed[limit] = tat, true
      end
      append(tat - now)
    end
  end
end

for limit in pairs(is_changed) do
  local ahead = tats[limit] - now
  -- The key expires once it says no more than that the caller rests.
  if ahead > 0 then redis.call('SET', KEYS[first_limit + limit], text(tats[limit]), 'PX', text(ms(ahead))) end
end
return '[' .. table.concat(answer, ',') .. ']'
`;

/** KEYS: the list of failures of each cap. ARGV: for each the moment (µs) of a failure. Takes one failure of that moment back. */
export const REFUND = `
for i, key in ipairs(KEYS) do redis.call('LREM', key, 1, ARGV[i]) end
return 1
`;
