// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// retention is how long KIE keeps a video and answers questions about it.
const retention = 14 * 24 * time.Hour

// purchase is what was bought: a task or an upgrade.
type purchase interface {
	// bought returns what all purchases have in common.
	bought() *job
	// record returns what record-info tells of it at a time.
	record(now time.Time) record
	// files returns all that it makes, by the path of the URL.
	files() map[string]file
	// resultURLs returns where the result is, if there is or will be one.
	resultURLs() []string
	// successBody returns the callback that claims a success with results at these
	// URLs, without an id.
	successBody(results []string) callbackBody
	// failureBody returns the callback that claims a failure, without an id.
	failureBody(claimed outcome) callbackBody
}

// job is what all purchases have in common: they are accepted, cost credits, end and
// have a callback. Everything but the fields of the last group is fixed when it is
// accepted and may be read without a lock.
type job struct {
	id      string
	faults  Faults
	outcome outcome
	credits float64
	// base is the start of the URLs of its files, without a slash at the end.
	base        string
	callbackURL string
	created     time.Time
	// finish is when the outcome is known. Zero means never.
	finish time.Time

	// polls counts the questions of record-info about it.
	polls int
	// sent is whether a callback was tried, and lastStatus the HTTP status of the
	// last answer to one, zero if there was none.
	sent       bool
	lastStatus int
}

func (j *job) bought() *job { return j }

// finished reports whether the outcome is known.
func (j *job) finished(now time.Time) bool {
	return !j.finish.IsZero() && !j.finish.After(now)
}

// shown reports whether record-info tells the outcome.
func (j *job) shown(now time.Time) bool {
	return j.finished(now.Add(-j.faults.Lag))
}

// reply returns what is answered to questions about it instead of the truth, or
// nothing if the truth is answered.
func (j *job) reply(now time.Time) Reply {
	return replyAt(j.faults.Queries, now.Sub(j.created))
}

// state returns how far it is.
func (j *job) state(now time.Time) TaskState {
	switch {
	case !j.finished(now):
		return TaskRunning
	case j.outcome.succeeded():
		return TaskSucceeded
	default:
		return TaskFailed
	}
}

// attempt returns the last segment of the path of the callback URL, which is
// where a client can put a token of its own. It is empty without a callback URL.
func (j *job) attempt() string {
	path, _, _ := strings.Cut(j.callbackURL, "?")
	return path[strings.LastIndex(path, "/")+1:]
}

// wantsCallback reports whether anybody is to be told of the end.
func (j *job) wantsCallback() bool {
	return j.callbackURL != "" && !j.faults.NoCallback
}

// madeVideo returns a video that exists from its making on, as long as KIE keeps it.
func (j *job) madeVideo(c clip, made time.Time) file {
	f := j.madeFile(mp4Type, c.content(j.faults.File.Bytes), made)
	f.faults, f.visits = j.faults.File, new(visits)
	return f
}

// madePicture is madeVideo for a picture of it.
func (j *job) madePicture(c clip, made time.Time) file {
	return j.madeFile(jpegType, plain(c.picture()), made)
}

func (j *job) madeFile(contentType string, content content, made time.Time) file {
	f := file{contentType: contentType, content: content, from: made, until: j.created.Add(retention)}
	if j.faults.LinkFor != 0 {
		f.linked = made.Add(j.faults.LinkFor)
	}
	return f
}

// consumed returns creditsConsumed, empty if it is left out. The truth is shown only
// if that is asked for.
func (j *job) consumed(shown bool) json.Number {
	if j.faults.CreditsConsumed != "" || !shown {
		return j.faults.CreditsConsumed
	}
	return json.Number(strconv.FormatFloat(j.credits, 'f', -1, 64))
}

// stamped returns the name of a file in KIE's form: hexadecimal digits and the time of
// the end.
func (j *job) stamped(digits, extension string) string {
	return fmt.Sprintf("%s_%d.%s", digits, j.finish.Unix(), extension)
}

// finishTime returns when something that is accepted now finishes, zero for never.
func finishTime(faults Faults, now time.Time, latency time.Duration) time.Time {
	switch {
	case faults.NeverFinish:
		return time.Time{}
	case faults.Latency != 0:
		return now.Add(max(faults.Latency, 0))
	case faults.EarlyCallback:
		return now
	default:
		return now.Add(max(latency, 0))
	}
}

// newID returns 32 lower-case hexadecimal digits, which is what KIE really uses
// for tasks where its documentation prints "veo_task_".
func newID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	return hex.EncodeToString(id)
}
