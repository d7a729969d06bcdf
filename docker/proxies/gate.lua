-- Asks the gate for each request, with the HTTP client that HAProxy's Lua has. haproxy.cfg loads it, and says where the gate is.

-- Milliseconds: longer than the gate's --hold.
local patience = 60000

core.register_action("ask_gate", { "http-req" }, function(txn, url)
  local answer = core.httpclient():get({
    url = url,
    -- By this header the gate tells a proxy's question, which --hold may keep waiting, from a health check.
    headers = { ["x-forwarded-uri"] = { txn.f:url() } },
    timeout = patience,
  })
  if answer.status == 200 then return end

  local reply = txn:reply({ status = 503, reason = "Service Unavailable" })
  reply:add_header("content-type", "application/problem+json")
  reply:add_header("cache-control", "no-store")
  reply:add_header("retry-after", "1")
  local state = answer.headers and answer.headers["x-schemagate-state"]
  if state then
    reply:add_header("x-schemagate-state", state[0])
    reply:set_body(answer.body)
  else
    reply:set_body('{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"The gate does not answer."}')
  end
  txn:done(reply)
end, 1)
