// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"cmp"
	"encoding/json"
	"time"
)

// task is an accepted generation or extension. All of it is fixed when it is
// accepted, but for the last fields of job.
type task struct {
	job
	request generateRequest
	// extends is the task that this one continues, nil for a generation.
	extends *task
	seed    int
	// result is the video that it makes, which for an extension is the last part of
	// the film.
	result clip
	// originAt is when the video at 720p is there from which one of a higher
	// resolution is made, zero if there is none.
	originAt time.Time
}

// terms are what the simulator adds to a request when it accepts it.
type terms struct {
	now     time.Time
	latency time.Duration
	base    string
	credits float64
	// resolution is that of the result, unless the fate is to deliver another.
	resolution string
	// imageLost is set if an image of the request cannot be fetched.
	imageLost bool
	// extends is nil for a generation.
	extends *task
}

// newTask accepts a request.
func newTask(request generateRequest, faults Faults, terms terms) *task {
	t := &task{
		job: job{
			id:          newID(),
			faults:      faults,
			outcome:     decide(request, faults, terms.imageLost),
			credits:     terms.credits,
			base:        terms.base,
			callbackURL: request.CallBackURL,
			created:     terms.now,
			finish:      finishTime(faults, terms.now, terms.latency),
		},
		request: request,
		extends: terms.extends,
		seed:    cmp.Or(faults.Seed, newSeed()),
		result: clip{
			resolution: cmp.Or(faults.Deliver, terms.resolution),
			upright:    request.AspectRatio == portrait,
			seconds:    cmp.Or(faults.DeliverSeconds, request.seconds()),
		},
	}
	if request.Seeds != nil && faults.Seed == 0 {
		t.seed = *request.Seeds
	}
	if t.result.resolution != resolution720p {
		t.originAt = t.created.Add(t.timeToOrigin(terms.latency))
	}
	return t
}

// timeToOrigin returns how long the video at 720p takes: half of the whole time,
// also of one that will never be over.
func (t *task) timeToOrigin(latency time.Duration) time.Duration {
	if t.finish.IsZero() {
		return max(latency, 0) / 2
	}
	return t.finish.Sub(t.created) / 2
}

// resultURLs returns where the video is, if the task made or will make one.
func (t *task) resultURLs() []string {
	if t.faults.ExtendURLs == ExtendURLsFull && t.extends != nil {
		return nil
	}
	return []string{t.base + t.resultPath()}
}

// fullResultURLs returns where the whole film is after an extension, nil for a
// generation.
func (t *task) fullResultURLs() []string {
	if t.extends == nil || t.faults.ExtendURLs == ExtendURLsResult {
		return nil
	}
	return []string{t.base + t.filmPath()}
}

// shownFullResultURLs returns fullResultUrls as they are told: null after a
// generation, and nil, for left out, where they were before April 2026.
func (t *task) shownFullResultURLs() any {
	switch {
	case t.fullResultURLs() != nil:
		return t.faults.URLs.of(t.fullResultURLs())
	case t.faults.NoFullResultURLs:
		return nil
	default:
		return json.RawMessage("null")
	}
}

// originURLs returns where the video is from which the result was cut or made
// larger. It is nil for a result that is neither.
func (t *task) originURLs() []string {
	if t.request.AspectRatio == landscape && t.originAt.IsZero() {
		return nil
	}
	return []string{t.base + t.originPath()}
}

func (t *task) resultPath() string { return resultFolder + t.stamped(t.id, "mp4") }

func (t *task) filmPath() string { return filmFolder + t.stamped(t.id, "mp4") }

func (t *task) originPath() string { return originFolder + t.id + ".mp4" }

// origin returns the video that the result was made from: a wide one that was cut,
// or one at 720p that was made larger.
func (t *task) origin() clip {
	origin := t.result.at(resolution720p)
	if t.originAt.IsZero() {
		origin.upright = false
	}
	return origin
}

// whole returns all that there is to see in the end: the film of an extension, or
// the result.
func (t *task) whole() clip {
	if t.fullResultURLs() != nil {
		return t.result.lasting(filmSeconds)
	}
	return t.result
}

// files implements purchase.
func (t *task) files() map[string]file {
	files := make(map[string]file)
	if !t.originAt.IsZero() {
		files[t.originPath()] = t.madeVideo(t.origin(), t.originAt)
	}
	if t.finish.IsZero() || !t.outcome.succeeded() {
		return files
	}
	if t.originURLs() != nil && t.originAt.IsZero() {
		files[t.originPath()] = t.madeVideo(t.origin(), t.finish)
	}
	if t.resultURLs() != nil {
		files[t.resultPath()] = t.madeVideo(t.result, t.finish)
	}
	if t.fullResultURLs() != nil {
		files[t.filmPath()] = t.madeVideo(t.whole(), t.finish)
	}
	return files
}

// newSeed returns a random seed in the range that KIE accepts.
func newSeed() int {
	return 10000 + int(randomBelow(90000))
}
