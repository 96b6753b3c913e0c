-- Refuses what the transcoder would take although it is not what the contract says: JSON that RFC 8259 does not allow,
-- fields that there are not, fields said twice, numbers that are not whole, and queries or bodies that repeat what
-- stands in the path. Nothing here changes a request: it goes on as it came, or is refused and moves nothing.
--
-- rest-contract.ts puts the contract in front of this file:
--   ROUTES[method] is a list of { segments, places, verb, body, hasCursor, fields }: a segment is a text, or false where a field stands;
--   places[index] is the name of the field that stands at a segment;
--   verb is what follows the last colon; body tells whether the request has one, hasCursor whether it is answered with a stream
--   of messages that have a cursor; fields are those of the message.
--   fields[name] is { name, kind, list, fields, values, oneof, inPath }, under the name in the contract and under the
--   one in camel case. kind is "message", "enum", "integer", "bool", "bytes" or "text".
--   VERBS[verb] is true for every verb.
local byte, find, match, sub = string.byte, string.find, string.match, string.sub

-- What is wrong: where it is (a field's path, or the body), in English and in Korean.
local function fault(field, en, ko)
  error({ field = field, en = en, ko = ko }, 0)
end

local function malformed(at, en, ko)
  error({
    isMalformed = true,
    field = "body",
    en = en .. " at byte " .. at,
    ko = at .. "번째 바이트: " .. ko,
  }, 0)
end

local function twice(path)
  fault(path, "is there twice", "두 번 있습니다")
end

local function unknown(path)
  fault(path, "is not a field of this call", "이 호출에 없는 필드입니다")
end

local function notWhole(path)
  fault(path, "must be a whole number, in digits only", "숫자로만 쓴 정수여야 합니다")
end

local function isWhole(text)
  return text == "0" or find(text, "^%-?[1-9]%d*$") ~= nil
end

-- Text is read byte by byte, in loops that LuaJIT compiles: a tenth of what string.find takes.

-- A key of a message's table that no field can have: where its oneofs are noted.
local CHOICES = {}

-- The position after white space, and the byte there.
local function skipSpace(text, at)
  while true do
    local char = byte(text, at)
    if char ~= 32 and char ~= 10 and char ~= 13 and char ~= 9 then return at, char end
    at = at + 1
  end
end

local HEX = {}
for value, digits in pairs({ [0] = "0123456789", [10] = "abcdef" }) do
  for index = 1, #digits do
    HEX[byte(digits, index)] = value + index - 1
    HEX[byte(digits:upper(), index)] = value + index - 1
  end
end

-- The number that four hexadecimal digits write; nil where there are none.
local function hexAt(text, at)
  local a, b, c, d = HEX[byte(text, at)], HEX[byte(text, at + 1)], HEX[byte(text, at + 2)], HEX[byte(text, at + 3)]
  return a and b and c and d and ((a * 16 + b) * 16 + c) * 16 + d
end

local SIMPLE_ESCAPES = {}
for _, char in ipairs({ byte('"\\/bfnrt', 1, -1) }) do SIMPLE_ESCAPES[char] = true end

-- Checks the escape at a backslash and returns where the text goes on. Halves of a character (RFC 8259, section 8.2)
-- stand for nothing.
local function skipEscape(text, at)
  local char = byte(text, at + 1)
  if SIMPLE_ESCAPES[char] then return at + 2 end
  local code = char == 117 and hexAt(text, at + 2)
  if not code then malformed(at, "an escape that JSON does not have", "JSON에 없는 이스케이프입니다") end
  if code < 0xd800 or code > 0xdfff then return at + 6 end
  local low = byte(text, at + 6) == 92 and byte(text, at + 7) == 117 and hexAt(text, at + 8)
  if code > 0xdbff or not low or low < 0xdc00 or low > 0xdfff then
    malformed(at, "half of a character", "반쪽짜리 문자입니다")
  end
  return at + 12
end

local function isTail(char)
  return char ~= nil and char >= 0x80 and char <= 0xbf
end

-- Where the text goes on after a character of several bytes; nil where that is not UTF-8 (RFC 3629: nothing overlong, no
-- surrogates, nothing above U+10FFFF).
local function afterUtf8(text, at)
  local a, b = byte(text, at), byte(text, at + 1)
  if not isTail(b) then return nil end
  if a >= 0xc2 and a <= 0xdf then return at + 2 end
  if not isTail(byte(text, at + 2)) then return nil end
  if a >= 0xe0 and a <= 0xef and not (a == 0xe0 and b < 0xa0) and not (a == 0xed and b > 0x9f) then return at + 3 end
  if not isTail(byte(text, at + 3)) then return nil end
  if a >= 0xf0 and a <= 0xf4 and not (a == 0xf0 and b < 0x90) and not (a == 0xf4 and b > 0x8f) then return at + 4 end
  return nil
end

-- Returns the end of the string that begins at a quotation mark.
local function skipString(text, at)
  at = at + 1
  while true do
    local char = byte(text, at)
    if char == 34 then return at + 1 end
    if char == 92 then
      at = skipEscape(text, at)
    elseif char == nil or char < 32 then
      malformed(at, "a string that does not end", "문자열이 끝나지 않습니다")
    elseif char < 128 then
      at = at + 1
    else
      at = afterUtf8(text, at) or malformed(at, "text that is not UTF-8", "UTF-8이 아닌 글자입니다")
    end
  end
end

-- Where the reader is: names of fields, and the indexes of items. A path is only made of it when something is wrong.
local place, depth = {}, 0

local function here()
  local path = ""
  for level = 1, depth do
    local step = place[level]
    if type(step) == "number" then
      path = path .. "[" .. step .. "]"
    else
      path = path == "" and step or path .. "." .. step
    end
  end
  return path
end

local readMessage

local function isWord(text, at, word)
  return sub(text, at, at + #word - 1) == word and not find(text, "^[%w_]", at + #word)
end

-- The end of a number; most are a few digits, and need no pattern.
local function skipWhole(text, at)
  local from, char = at, byte(text, at)
  while char and char >= 48 and char <= 57 do
    at = at + 1
    char = byte(text, at)
  end
  local isPlain = at > from and (byte(text, from) ~= 48 or at == from + 1)
  if isPlain and (char == 44 or char == 125 or char == 93) then return at end
  local number = match(text, "^[%-%d][%w+%-.]*", from)
  if not isWhole(number) then notWhole(here()) end
  return from + #number
end

-- Reads a value that is no list.
local function readOne(text, at, field)
  local first, kind = byte(text, at), field.kind
  if kind == "message" then
    if first == 123 then return readMessage(text, at, field.fields) end
    fault(here(), "must be an object", "객체여야 합니다")
  end
  if first == 34 then
    local after = skipString(text, at)
    if kind == "text" then return after end
    local said = sub(text, at + 1, after - 2)
    if kind == "integer" and not isWhole(said) then notWhole(here()) end
    if kind == "bool" then fault(here(), "must be true or false", "true나 false여야 합니다") end
    if kind == "enum" and not field.values[said] then
      fault(here(), "must be one of the values in the contract", "계약에 있는 값이어야 합니다")
    end
    return after
  end
  if first and (first == 45 or first >= 48 and first <= 57) then
    if kind ~= "integer" and kind ~= "enum" then fault(here(), "must be text", "문자열이어야 합니다") end
    return skipWhole(text, at)
  end
  for _, word in ipairs({ "true", "false" }) do
    if isWord(text, at, word) then
      if kind ~= "bool" then fault(here(), "must not be true or false", "true나 false일 수 없습니다") end
      return at + #word
    end
  end
  if first == 123 then fault(here(), "must not be an object", "객체일 수 없습니다") end
  if first == 91 then fault(here(), "must not be a list", "목록일 수 없습니다") end
  malformed(at, "a value is missing or not JSON", "값이 없거나 JSON이 아닙니다")
end

local function readList(text, at, field)
  if byte(text, at) ~= 91 then fault(here(), "must be a list", "목록이어야 합니다") end
  local char
  at, char = skipSpace(text, at + 1)
  if char == 93 then return at + 1 end
  depth = depth + 1
  local level, index = depth, 0
  while true do
    place[level] = index
    at, char = skipSpace(text, readOne(text, at, field))
    if char == 93 then
      depth = level - 1
      return at + 1
    end
    if char ~= 44 then malformed(at, "a comma or ] is missing", "쉼표나 ]가 없습니다") end
    at = skipSpace(text, at + 1)
    index = index + 1
  end
end

-- Objects are counted, so that a field can tell whether it was seen in this one without a table for each. No message
-- holds itself, so none is read within another one of the same fields.
local objects = 0

-- Reads the name of a field, and notes that it is there.
local function readName(text, at, fields, this)
  local after = skipString(text, at)
  local name = sub(text, at + 1, after - 2)
  local field = fields[name]
  if not field then
    place[depth] = sub(name, 1, 64)
    unknown(here())
  end
  place[depth] = field.name
  if field.inPath then fault(here(), "stands in the path already", "이미 경로에 있습니다") end
  if field.seen == this then twice(here()) end
  field.seen = this
  return after, field
end

-- Notes that a field of a oneof is there.
local function choose(fields, field, this)
  local seen = fields[CHOICES]
  if not seen then
    seen = {}
    fields[CHOICES] = seen
  end
  if seen[field.oneof] == this then
    place[depth] = field.oneof
    fault(here(), "only one of its fields may be there", "한 필드만 있을 수 있습니다")
  end
  seen[field.oneof] = this
end

-- Reads an object whose fields are these.
readMessage = function(text, at, fields)
  objects = objects + 1
  local this, field, char = objects, nil, nil
  at, char = skipSpace(text, at + 1)
  if char == 125 then return at + 1 end
  depth = depth + 1
  local level = depth
  while true do
    if char ~= 34 then malformed(at, "a name in double quotes is missing", "큰따옴표로 묶은 이름이 없습니다") end
    at, field = readName(text, at, fields, this)
    at, char = skipSpace(text, at)
    if char ~= 58 then malformed(at, "a colon is missing", "콜론이 없습니다") end
    at, char = skipSpace(text, at + 1)
    -- Null is as good as not there (ProtoJSON), except for an oneof, of which only one may be said.
    if char == 110 and isWord(text, at, "null") then
      at = at + 4
    else
      if field.oneof then choose(fields, field, this) end
      at = (field.list and readList or readOne)(text, at, field)
    end
    at, char = skipSpace(text, at)
    if char == 125 then
      depth = level - 1
      return at + 1
    end
    if char ~= 44 then malformed(at, "a comma or } is missing", "쉼표나 }가 없습니다") end
    at, char = skipSpace(text, at + 1)
  end
end

local function checkBody(text, fields)
  depth = 0
  local at, char = skipSpace(text, 1)
  if char ~= 123 then malformed(at, "the body must be a JSON object", "본문은 JSON 객체여야 합니다") end
  at, char = skipSpace(text, readMessage(text, at, fields))
  if char then malformed(at, "something follows the object", "객체 뒤에 무언가 더 있습니다") end
end

-- Whether percent signs stand before two digits each, and what they make is UTF-8 without U+0000.
local function isText(escaped, text)
  if not find(escaped, "[%%\128-\255]") then return true end
  if find(escaped:gsub("%%%x%x", ""), "%", 1, true) then return false end
  local at, size = 1, #text
  while at and at <= size do
    local char = byte(text, at)
    if char == 0 then return false end
    at = char < 128 and at + 1 or afterUtf8(text, at)
  end
  return at ~= nil
end

local function decoded(text)
  return (text:gsub("+", " "):gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

-- Follows a name such as amount.currency_code to its field; the names on the way as the contract has them.
local function followName(fields, name)
  local field, path
  for part in (name .. "."):gmatch("([^.]*)%.") do
    field = fields and fields[part]
    if not field then unknown(sub(name, 1, 64)) end
    if field.inPath and not path then fault(field.name, "stands in the path already", "이미 경로에 있습니다") end
    path = path and path .. "." .. field.name or field.name
    fields = field.fields
  end
  return field, path
end

local function checkQuery(query, route)
  local seen = {}
  for pair in query:gmatch("[^&]+") do
    local name, value = match(pair, "^([^=]*)=?(.*)$")
    local escaped = value
    name, value = decoded(name), decoded(value)
    local field, path = followName(route.fields, name)
    if not isText(escaped, value) then fault(path, "must be text in UTF-8", "UTF-8 문자열이어야 합니다") end
    if route.body then fault(path, "must be in the body", "본문에 있어야 합니다") end
    if not field.list and seen[path] then twice(path) end
    seen[path] = true
    if field.kind == "integer" and not isWhole(value) then notWhole(path) end
  end
end

local function segmentsOf(path)
  local segments, verb = {}, nil
  for segment in path:gmatch("/([^/]*)") do segments[#segments + 1] = segment end
  local last = segments[#segments] or ""
  local before, after = match(last, "^(.*):([^:]*)$")
  if after and VERBS[after] then
    segments[#segments], verb = before, after
  end
  return segments, verb
end

local function fits(route, segments, verb)
  if route.verb ~= verb or #route.segments ~= #segments then return false end
  for index, segment in ipairs(route.segments) do
    if segment and segment ~= segments[index] or segments[index] == "" then return false end
  end
  return true
end

local function routeOf(method, path)
  local segments, verb = segmentsOf(path)
  for _, route in ipairs(ROUTES[method] or {}) do
    if fits(route, segments, verb) then return route, segments end
  end
end

-- What the transcoder reads of a number in the path is up to it: 007 is 7, and " 7" as well.
local function checkPath(route, values)
  for index, name in pairs(route.places) do
    local field = route.fields[name]
    if field.kind == "integer" and not isWhole(values[index]) then notWhole(field.name) end
  end
end

local function refuse(handle, status, said)
  local metadata = handle:streamInfo():dynamicMetadata()
  metadata:set("ppuri.rest", "field", said.field)
  metadata:set("ppuri.rest", "ko", said.ko)
  handle:respond({ [":status"] = status }, said.en)
end

local function isJson(contentType)
  return contentType == nil or find(contentType:lower(), "^%s*application/json%s*$") ~= nil
    or find(contentType:lower(), "^%s*application/json%s*;") ~= nil
end

local function check(handle, route, query)
  if query then checkQuery(query, route) end
  local body = handle:body()
  local length = body and body:length() or 0
  if length == 0 then return end
  if not route.body then fault("body", "this call takes no body", "이 호출에는 본문이 없습니다") end
  if not isJson(handle:headers():get("content-type")) then
    fault("content-type", "must be application/json", "application/json이어야 합니다")
  end
  local encoding = handle:headers():get("content-encoding")
  if encoding and encoding:lower() ~= "identity" then
    fault("content-encoding", "must be identity", "identity여야 합니다")
  end
  checkBody(body:getBytes(0, length), route.fields)
end

local function checkAll(handle)
  local headers = handle:headers()
  local path, query = match(headers:get(":path") or "", "^([^?]*)%??(.*)$")
  local route, values = routeOf(headers:get(":method"), path)
  if not route then return false end
  checkPath(route, values)
  check(handle, route, query ~= "" and query or nil)
  noteEvents(handle, route)
  return true
end

-- Only a request that was checked to the end gets the header that the next filter asks for: Envoy itself goes on when a
-- script fails.
function envoy_on_request(handle)
  if isLimited(handle) then
    handle:respond({ [":status"] = "429" }, "")
    return
  end
  local isDone, said = pcall(checkAll, handle)
  if isDone and said then
    handle:headers():replace("x-request-checked", "yes")
  elseif isDone then
    handle:respond({ [":status"] = "404" }, "")
  elseif type(said) == "table" then
    refuse(handle, said.isMalformed and "400" or "422", said)
  else
    -- A fault of this file: nothing that it has not understood may go on.
    handle:logErr(tostring(said))
    handle:respond({ [":status"] = "500" }, "")
  end
end
