// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"math/big"
	"time"
)

// retention is how long KIE keeps a video and answers questions about it.
const retention = 14 * 24 * time.Hour

// task is an accepted generation. Everything but the fields of the last group is
// fixed when it is accepted and may be read without a lock.
type task struct {
	id      string
	request generateRequest
	faults  Faults
	outcome outcome
	credits float64
	seed    int
	// base is the start of the URLs of its videos, without a slash at the end.
	base    string
	created time.Time
	// finish is when the outcome is known. Zero means never.
	finish time.Time

	// polls counts the questions of record-info about it.
	polls int
	// sent is whether a callback was tried, and lastStatus the HTTP status of the
	// last answer to one, zero if there was none.
	sent       bool
	lastStatus int
}

// newTask accepts a request.
func newTask(request generateRequest, faults Faults, credits float64, base string, now time.Time, latency time.Duration) *task {
	t := &task{
		id:      newTaskID(),
		request: request,
		faults:  faults,
		outcome: decide(request, faults),
		credits: credits,
		seed:    newSeed(),
		base:    base,
		created: now,
	}
	if request.Seeds != nil {
		t.seed = *request.Seeds
	}
	switch {
	case faults.NeverFinish:
	case faults.Latency != 0:
		t.finish = now.Add(max(faults.Latency, 0))
	case faults.EarlyCallback:
		t.finish = now
	default:
		t.finish = now.Add(max(latency, 0))
	}
	return t
}

// finished reports whether the outcome is known.
func (t *task) finished(now time.Time) bool {
	return !t.finish.IsZero() && !t.finish.After(now)
}

// resultURLs returns where the video is, if the task made or will make one.
func (t *task) resultURLs() []string {
	return []string{t.base + "/v/" + t.resultFile()}
}

// originURLs returns where the video is from which a result that is not 16:9 was
// cut. It is nil for the others.
func (t *task) originURLs() []string {
	if t.request.AspectRatio == landscape {
		return nil
	}
	return []string{t.base + "/o/" + t.originFile()}
}

func (t *task) resultFile() string { return fmt.Sprintf("%s_%d.mp4", t.id, t.finish.Unix()) }

func (t *task) originFile() string { return t.id + ".mp4" }

// newTaskID returns 32 lower-case hexadecimal digits, which is what KIE really
// uses where its documentation prints "veo_task_".
func newTaskID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	return hex.EncodeToString(id)
}

// newSeed returns a random seed in the range that KIE accepts.
func newSeed() int {
	n, err := rand.Int(rand.Reader, big.NewInt(90000))
	if err != nil {
		panic(err) // the reader never fails
	}
	return 10000 + int(n.Int64())
}
