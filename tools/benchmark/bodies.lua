-- For wrk: each request has a body of 100 MiB.
wrk.method = "POST"
wrk.body = string.rep("x", 100 * 1024 * 1024)
