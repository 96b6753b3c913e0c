-- Server-sent events (WHATWG HTML, section 9.2) for a request that accepts text/event-stream: each line of JSON that the transcoder
-- writes becomes an event whose id is the message's cursor. A reader that connects again sends the last one as Last-Event-ID,
-- which the server takes for the cursor.
local NAMESPACE = "ppuri.rest"

local function acceptsEvents(headers)
  return string.find((headers:get("accept") or ""):lower(), "text/event-stream", 1, true) ~= nil
end

-- Notes on the way in that the answer becomes events. Routes whose messages have no cursor answer as always.
local function noteEvents(handle, route)
  if route.hasCursor and acceptsEvents(handle:headers()) then
    handle:streamInfo():dynamicMetadata():set(NAMESPACE, "events", true)
  end
end

local function toEvent(line)
  local id = string.match(line, '"cursor":"([%w_-]+)"')
  return (id and "id: " .. id .. "\n" or "") .. "data: " .. line .. "\n\n"
end

-- A chunk may end within a line; what is whole goes on at once.
local function writeEvents(handle)
  local said = handle:streamInfo():dynamicMetadata():get(NAMESPACE)
  if not said or not said.events then return end
  handle:headers():replace("content-type", "text/event-stream")
  local rest = ""
  for chunk in handle:bodyChunks() do
    local text, events = rest .. chunk:getBytes(0, chunk:length()), {}
    rest = text:gsub("([^\n]*)\n", function(line)
      events[#events + 1] = toEvent(line)
      return ""
    end)
    chunk:setBytes(table.concat(events))
  end
end

function envoy_on_response(handle)
  local status = handle:headers():get(":status")
  noteAnswer(handle, status)
  if status == "200" then writeEvents(handle) end
end
