// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import "time"

// What one sender, or all of them together, can take from the operator. KIE.AI
// waits 15 seconds for an answer and sends a few kilobytes.
//
// Together the limits keep the heap that senders have in use below 256 MiB, half
// of what the pod may have. Most of it is taken by maxConnections connections that
// have sent maxHeaderBytes of very short headers and stall: some 120 MiB. Their
// bodies take 32 MiB. A request that waits for something of ours, maxUnseen and
// maxPlaces of them, has only the headers left that are read, some 30 KiB with its
// connection: 90 MiB. The rest is for what is on its way out when others come very
// fast. TestHostileLoad measures it.
//
// There is no limit for each source. Behind an Ingress all requests come from a
// few addresses, so those who send bad signatures would lock KIE.AI out. And a
// failed authentication costs little: a look-up in memory and a comparison in
// constant time for each key. The Secret is read again at most once a second for
// each account, however many fail (credentials.Store); refusals are logged at
// V(1) only, and counted in metrics with a fixed number of series.
const (
	// maxBodyBytes bounds a body. The largest part of a real one is an echo of the prompt, at most 5000
	// characters, and a handful of URLs.
	maxBodyBytes = 64 << 10
	// maxHeaderBytes bounds the request line and the headers together. net/http adds 4 KiB of its own. It is what
	// decides about memory: a header of 5 bytes takes some 150.
	maxHeaderBytes = 4 << 10
	// maxConnections bounds the open connections, without those whose requests have arrived and wait for the operator.
	// When there are that many, a new one takes the place of the one that has waited longest for its sender.
	maxConnections = 512
	// maxPlaces bounds the callbacks with known attempts that have arrived: as many as can be written within
	// lineTimeout at 200 writes a second.
	maxPlaces = 2048
	// maxUnseen bounds the requests with an attempt that the cache does not have. Of a burst that comes right after its
	// purchases, the cache has none until the watch brings them.
	maxUnseen = 1024
	// maxWriters bounds the callbacks that are written at a time. With more, each waits as long as it does in line.
	maxWriters = 32
	// firstPace is the time that a write is assumed to take before the first one is measured. It is that of a slow API
	// server: that a server is fast is measured within maxWriters writes, while a slow one that was assumed to be
	// fast would be noticed when too many callbacks are in line.
	firstPace = 250 * time.Millisecond
	// paceMemory is about how many writes the pace is averaged over.
	paceMemory = 32

	// connectionGrace is the time that a connection has at least to bring its request before another one takes its
	// place. It bounds how many connections can be accepted to 25,600 a second, so it is short: connections that come
	// faster fill the queue of the kernel, which drops what does not fit.
	connectionGrace = 20 * time.Millisecond
	// handshakeGrace is the same with TLS, where a request comes after one or two round trips: 5120 a second.
	handshakeGrace = 100 * time.Millisecond
	// maxLeaving bounds the goroutines of connections that were dropped and have not ended yet. net/http takes half a
	// second to end one on which a long body was refused, so 4096 of those can be dropped in a second.
	maxLeaving = 2048

	// answerTimeout bounds the time from the end of the headers to the answer. It leaves 2 of KIE.AI's 15 seconds for
	// the way.
	answerTimeout = 13 * time.Second
	// lineTimeout is the time from the end of the headers to the expected end of the write. A callback that would take
	// longer is refused at once. It is less than answerTimeout, because the pace may get slower.
	lineTimeout = 12 * time.Second
	// bodyTimeout bounds the time that a sender takes for the body.
	bodyTimeout = 5 * time.Second
	// unseenGrace is the time that the watch has to bring an attempt before anything is asked of the API server for it.
	unseenGrace = 2 * time.Second
	// unseenTimeout bounds the time that a request waits for the cache to have its attempt. The grace and two proofs fit
	// into it.
	unseenTimeout = 8 * time.Second
	// readHeaderTimeout bounds the time a sender takes for the headers.
	readHeaderTimeout = 5 * time.Second
	// readTimeout bounds the time a sender takes for the whole request, until the handler sets another one.
	readTimeout = readHeaderTimeout + bodyTimeout
	// writeTimeout bounds the time from the end of the headers to the end of the answer. It is longer than
	// answerTimeout, so that a request which ran out of that can still be told so.
	writeTimeout = answerTimeout + 2*time.Second
	// idleTimeout bounds the time between two requests on one connection.
	idleTimeout = 60 * time.Second
	// shutdownTimeout bounds the time that requests under way get when the server stops.
	shutdownTimeout = answerTimeout + time.Second

	// maxClockSkew is how far the time in a signature may be from now, either way.
	maxClockSkew = 5 * time.Minute
	// maxLookups bounds how many attempts are looked up at the API server in a second, while the cache is behind.
	maxLookups = 10
	// proofInterval is the time from the beginning of one proof that the cache is not behind to the next one.
	proofInterval = 500 * time.Millisecond
	// proofWatch is how long the watch of a proof lasts. Two seconds before its end the API server sends a bookmark,
	// if it has lasted for a second then.
	proofWatch = 3 * time.Second
	// proofTimeout bounds a proof.
	proofTimeout = proofWatch + time.Second
	// maxWrites bounds the tries to write one callback when others write to the same resource.
	maxWrites = 3
	// retryAfterSeconds is the Retry-After of a 503.
	retryAfterSeconds = "5"
)
