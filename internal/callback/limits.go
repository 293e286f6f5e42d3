// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package callback

import "time"

// What one sender, or all of them together, can take from the operator. KIE.AI
// waits 15 seconds for an answer and sends a few kilobytes.
//
// Together the limits keep the heap that senders have in use below 256 MiB, half
// of what the pod may have. Most of it is taken by maxConnections connections that
// have sent maxHeaderBytes of very short headers and stall: some 120 MiB. Bodies
// take 32 MiB. The rest is for what is on its way out when others come very fast.
// TestHostileLoad measures it.
//
// There is no limit for each source. Behind an Ingress all requests come from a
// few addresses, so those who send bad signatures would lock KIE.AI out. And a
// failed authentication costs little: a look-up in memory and a comparison in
// constant time for each key. The Secret is read again at most once a second for
// each account, however many fail (credentials.Store); refusals are logged at
// V(1) only, and count in metrics whose series are fixed.
const (
	// maxBodyBytes bounds a body. The largest part of a real one is an echo of the prompt, at most 5000
	// characters, and a handful of URLs.
	maxBodyBytes = 64 << 10
	// maxHeaderBytes bounds the request line and the headers together. net/http adds 4 KiB of its own. It is what
	// decides about memory: a header of 5 bytes takes some 150.
	maxHeaderBytes = 4 << 10
	// maxRequests bounds the requests that are worked on at a time, after all of their body has arrived; more are
	// told to come back later. It is less than maxConnections, so that there is always a connection to drop.
	maxRequests = 256
	// maxConnections bounds the open connections. When there are as many, a new one takes the place of the one
	// that has waited longest for its sender.
	maxConnections = 512

	// connectionGrace is the time that a connection has at least to bring its request before another one takes its
	// place. It is short, because it bounds how many connections can be taken, to 25,600 a second: those that come
	// faster fill the queue of the kernel, which loses what finds it full.
	connectionGrace = 20 * time.Millisecond
	// handshakeGrace is the same with TLS, where a request comes after one or two round trips: 5120 a second.
	handshakeGrace = 100 * time.Millisecond
	// maxLeaving bounds the goroutines of connections that were dropped and have not ended yet. At the half second
	// that net/http takes over those on which a long body was refused, 4096 of them can be dropped in a second.
	maxLeaving = 2048

	// handlingTimeout is the budget of one request, from the end of its headers to its answer: the rest of the
	// body, a read of a Secret if the key is not in memory, and the write. It leaves KIE.AI's 15 seconds two
	// thirds for the way.
	handlingTimeout = 5 * time.Second
	// readHeaderTimeout bounds the time a sender takes for the headers.
	readHeaderTimeout = 5 * time.Second
	// readTimeout bounds the time a sender takes for the whole request.
	readTimeout = readHeaderTimeout + handlingTimeout
	// writeTimeout bounds the time from the end of the headers to the end of the answer. It is longer than the
	// budget, so that a request which ran out of it can still be told so.
	writeTimeout = 2 * handlingTimeout
	// idleTimeout bounds the time between two requests on one connection.
	idleTimeout = 60 * time.Second
	// shutdownTimeout bounds the time that requests under way get when the server stops.
	shutdownTimeout = handlingTimeout + time.Second

	// maxClockSkew is how far the time in a signature may be from now, either way.
	maxClockSkew = 5 * time.Minute
	// maxLookups bounds how many attempts that the cache does not know are looked up at the API server in a second.
	maxLookups = 10
	// maxWrites bounds the tries to write one callback when others write to the same resource.
	maxWrites = 3
	// retryAfterSeconds is what a sender is told that came at a bad moment.
	retryAfterSeconds = "5"
)
