// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"context"
	"math"
	"net/http"
	"time"
)

// paced returns a writer of the body of a file that is as slow and as unreliable
// as the faults of the file say.
func (s *Simulator) paced(w http.ResponseWriter, r *http.Request, f file) http.ResponseWriter {
	if rate := f.faults.Throttle; rate > 0 {
		// The server's own timeout is not for what is meant to be slow.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
		w = &slowWriter{ResponseWriter: w, ctx: r.Context(), rate: rate, start: time.Now()}
	}
	if f.faults.Cut > 0 {
		w = &cutWriter{ResponseWriter: w, left: f.faults.Cut, breaks: func() bool { return true }}
	}
	if f.faults.CutOnce > 0 {
		w = &cutWriter{ResponseWriter: w, left: f.faults.CutOnce, breaks: func() bool { return s.firstCut(f.visits) }}
	}
	return w
}

// firstCut reports whether no answer has broken off before.
func (s *Simulator) firstCut(v *visits) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first := !v.cut
	v.cut = true
	return first
}

// Bounds on what is sent at a time, in bytes.
const (
	maxPieceBytes = 32 << 10
	// piecesPerSecond are sent at least, if there are as many bytes.
	piecesPerSecond = 10
)

// slowWriter sends a body at a rate.
type slowWriter struct {
	http.ResponseWriter
	ctx context.Context // of the request: an io.Writer has no other way to be given one
	// rate is in bytes per second.
	rate  int64
	start time.Time
	sent  int64
}

// Write sends the bytes in small pieces and returns when the last one is due. The
// error is that of the connection or of the request's context.
func (s *slowWriter) Write(p []byte) (int, error) {
	piece := int(max(1, min(maxPieceBytes, s.rate/piecesPerSecond)))
	written := 0
	for written < len(p) {
		n, err := s.ResponseWriter.Write(p[written:min(written+piece, len(p))])
		written += n
		s.sent += int64(n)
		if err == nil {
			err = http.NewResponseController(s.ResponseWriter).Flush()
		}
		if err == nil {
			err = s.wait()
		}
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

// wait returns when all that was sent is due.
func (s *slowWriter) wait() error {
	due := s.start.Add(time.Duration(float64(s.sent) / float64(s.rate) * float64(time.Second)))
	timer := time.NewTimer(time.Until(due))
	defer timer.Stop()
	select {
	case <-s.ctx.Done():
		return s.ctx.Err()
	case <-timer.C:
		return nil
	}
}

// Unwrap lets http.ResponseController find what is below.
func (s *slowWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// cutWriter closes the connection in the middle of a body.
type cutWriter struct {
	http.ResponseWriter
	// left is how many bytes of the body are still sent.
	left int64
	// breaks is asked once when there are more, and reports whether to break off.
	breaks func() bool
}

// Write sends the bytes. Where the body is to break off, it closes the connection and
// does not return.
func (c *cutWriter) Write(p []byte) (int, error) {
	if int64(len(p)) > c.left {
		if c.breaks() {
			// Neither can be helped if the client is gone already.
			_, _ = c.ResponseWriter.Write(p[:c.left])
			_ = http.NewResponseController(c.ResponseWriter).Flush()
			panic(http.ErrAbortHandler)
		}
		c.left = math.MaxInt64
	}
	c.left -= int64(len(p))
	return c.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController find what is below.
func (c *cutWriter) Unwrap() http.ResponseWriter { return c.ResponseWriter }
