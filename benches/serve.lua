-- Requests that differ: words, filters and pages are drawn anew for each.
local words = { "llama", "mistral", "whisper", "otter", "falcon", "chat", "embed", "patient", "code", "vision", "small", "german",
  "questions", "speech", "instruct", "classifier", "dental", "proofs", "subtitles", "radiology" }
local licences = { "mit", "apache-2.0", "cc-by-4.0", "other" }
local kind = os.getenv("KIND") or "page"

function init(arguments)
  math.randomseed(os.time() + (tonumber(tostring({}):match("0x(%x+)"), 16) or 0))
end

local function some(list) return list[math.random(#list)] end

local kinds = {
  -- The page with all facets.
  page = function() return "/?q=" .. some(words) .. "+" .. some(words) .. "&page=" .. math.random(5) end,
  api = function() return "/api/search?q=" .. some(words) .. "+" .. some(words) .. "&page=" .. math.random(5) end,
  words = function() return "/api/search?by=words&q=" .. some(words) .. "+" .. some(words) .. "&page=" .. math.random(5) end,
  -- The page with a facet chosen and a device.
  filters = function()
    return "/?q=" .. some(words) .. "&license=" .. some(licences) .. "&fits=" .. math.random(4, 80) .. "GiB&params=.." .. math.random(1, 70) .. "B"
  end,
}

-- Models are asked for by the keys that a first search tells.
local keys = {}

function request()
  if kind == "model" then
    if #keys == 0 then return wrk.format("GET", "/api/search?limit=100&page=" .. math.random(20)) end
    return wrk.format("GET", "/model?key=" .. some(keys))
  end
  return wrk.format("GET", kinds[kind]())
end

function response(status, headers, body)
  if kind == "model" and #keys < 1000 and body:sub(1, 1) == "{" then
    for id in body:gmatch('"id":"([%w%-%._/]+)"') do keys[#keys + 1] = "hf-models:" .. id end
  end
end
