-- For wrk: each request is a call of 64 bytes.
wrk.method = "POST"
wrk.body = string.rep("x", 64)
