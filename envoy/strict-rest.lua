-- Refuses what the transcoder would take although it is not what the contract says: JSON that RFC 8259 does not allow,
-- fields that there are not, fields said twice, numbers that are not whole, and queries or bodies that say anew what
-- stands in the path. Nothing here changes a request: it goes on as it came, or is refused and moves nothing.
--
-- rest-contract.ts puts the contract in front of this file:
--   ROUTES[method] is a list of { segments, places, verb, body, fields }: a segment is a text, or false where a field stands;
--   places[index] is the name of the field that stands at a segment;
--   verb is what follows the last colon; body tells whether the request has one; fields are those of the message.
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

local function skipSpace(text, at)
  return find(text, "[^ \t\r\n]", at) or #text + 1
end

-- Checks the escape at a backslash and returns where the text goes on. Halves of a character (RFC 8259, section 8.2)
-- stand for nothing.
local function skipEscape(text, at)
  if find(text, '^["\\/bfnrt]', at + 1) then return at + 2 end
  local hex = match(text, "^u(%x%x%x%x)", at + 1)
  if not hex then malformed(at, "an escape that JSON does not have", "JSON에 없는 이스케이프입니다") end
  local code = tonumber(hex, 16)
  if code < 0xd800 or code > 0xdfff then return at + 6 end
  if code > 0xdbff or not find(text, "^\\u[dD][c-fC-F]%x%x", at + 6) then
    malformed(at, "half of a character", "반쪽짜리 문자입니다")
  end
  return at + 12
end

-- Returns the end of the string that begins at a quotation mark, and what stands between the marks.
local function readString(text, at)
  local from = at + 1
  while true do
    local special = find(text, '[%c"\\]', from)
    local char = special and byte(text, special)
    if char == 34 then return special + 1, sub(text, at + 1, special - 1) end
    if char == 92 then
      from = skipEscape(text, special)
    elseif char == 127 then
      from = special + 1
    else
      malformed(special or #text + 1, "a string that does not end", "문자열이 끝나지 않습니다")
    end
  end
end

local readMessage

local function isWord(text, at, word)
  return sub(text, at, at + #word - 1) == word and not find(text, "^[%w_]", at + #word)
end

-- Reads a value that is no list.
local function readOne(text, at, field, path)
  local first = byte(text, at)
  if field.kind == "message" then
    if first == 123 then return readMessage(text, at, field.fields, path .. ".") end
    fault(path, "must be an object", "객체여야 합니다")
  end
  if first == 34 then
    local after, said = readString(text, at)
    if field.kind == "integer" and not isWhole(said) then notWhole(path) end
    if field.kind == "bool" then fault(path, "must be true or false", "true나 false여야 합니다") end
    if field.kind == "enum" and not field.values[said] then
      fault(path, "must be one of the values in the contract", "계약에 있는 값이어야 합니다")
    end
    return after
  end
  local number = match(text, "^[%-%d][%w+%-.]*", at)
  if number then
    if field.kind ~= "integer" and field.kind ~= "enum" then fault(path, "must be text", "문자열이어야 합니다") end
    if not isWhole(number) then notWhole(path) end
    return at + #number
  end
  for _, word in ipairs({ "true", "false" }) do
    if isWord(text, at, word) then
      if field.kind ~= "bool" then fault(path, "must not be true or false", "true나 false일 수 없습니다") end
      return at + #word
    end
  end
  if first == 123 then fault(path, "must not be an object", "객체일 수 없습니다") end
  if first == 91 then fault(path, "must not be a list", "목록일 수 없습니다") end
  malformed(at, "a value is missing or not JSON", "값이 없거나 JSON이 아닙니다")
end

local function readList(text, at, field, path)
  if byte(text, at) ~= 91 then fault(path, "must be a list", "목록이어야 합니다") end
  at = skipSpace(text, at + 1)
  if byte(text, at) == 93 then return at + 1 end
  local index = 0
  while true do
    at = skipSpace(text, readOne(text, at, field, path .. "[" .. index .. "]"))
    local char = byte(text, at)
    if char == 93 then return at + 1 end
    if char ~= 44 then malformed(at, "a comma or ] is missing", "쉼표나 ]가 없습니다") end
    at = skipSpace(text, at + 1)
    index = index + 1
  end
end

-- Reads an object whose fields are these; `prefix` stands before their names in what is said of them.
readMessage = function(text, at, fields, prefix)
  local seen = {}
  at = skipSpace(text, at + 1)
  if byte(text, at) == 125 then return at + 1 end
  while true do
    if byte(text, at) ~= 34 then malformed(at, "a name in double quotes is missing", "큰따옴표로 묶은 이름이 없습니다") end
    local name
    at, name = readString(text, at)
    local field = fields[name]
    if not field then unknown(prefix .. sub(name, 1, 64)) end
    local path = prefix .. field.name
    if field.inPath then fault(path, "stands in the path already", "이미 경로에 있습니다") end
    if seen[field.name] then twice(path) end
    seen[field.name] = true
    at = skipSpace(text, at)
    if byte(text, at) ~= 58 then malformed(at, "a colon is missing", "콜론이 없습니다") end
    at = skipSpace(text, at + 1)
    -- Null is as good as not there (ProtoJSON), except for an oneof, of which only one may be said.
    if isWord(text, at, "null") then
      at = at + 4
    else
      if field.oneof then
        if seen[field.oneof] then
          fault(prefix .. field.oneof, "only one of its fields may be there", "한 필드만 있을 수 있습니다")
        end
        seen[field.oneof] = true
      end
      at = (field.list and readList or readOne)(text, at, field, path)
    end
    at = skipSpace(text, at)
    local char = byte(text, at)
    if char == 125 then return at + 1 end
    if char ~= 44 then malformed(at, "a comma or } is missing", "쉼표나 }가 없습니다") end
    at = skipSpace(text, at + 1)
  end
end

local function checkBody(text, fields)
  local at = skipSpace(text, 1)
  if byte(text, at) ~= 123 then malformed(at, "the body must be a JSON object", "본문은 JSON 객체여야 합니다") end
  at = skipSpace(text, readMessage(text, at, fields, ""))
  if at <= #text then malformed(at, "something follows the object", "객체 뒤에 무언가 더 있습니다") end
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
    name, value = decoded(name), decoded(value)
    local field, path = followName(route.fields, name)
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
  checkBody(body:getBytes(0, length), route.fields)
end

local function checkAll(handle)
  local headers = handle:headers()
  local path, query = match(headers:get(":path") or "", "^([^?]*)%??(.*)$")
  local route, values = routeOf(headers:get(":method"), path)
  if not route then return false end
  checkPath(route, values)
  check(handle, route, query ~= "" and query or nil)
  return true
end

-- Only a request that was checked to the end gets the header that the next filter asks for: Envoy itself goes on when a
-- script fails.
function envoy_on_request(handle)
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
