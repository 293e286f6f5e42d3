// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import "time"

// unavailable are the texts about upgrades that failed, by resolution. The one for
// 4K is KIE's.
var unavailable = map[string]string{
	resolution1080p: "The 1080P version of this video is unavailable. Please try a different video.",
	resolution4K:    "The 4K version of this video is unavailable. Please try a different video.",
}

// upgrade is one result of a task in a higher resolution. All of it is fixed when
// it is accepted, but for the last fields of job.
type upgrade struct {
	job
	of         *task
	index      int
	resolution string
	// digits are in the names of its files. KIE's have no known meaning.
	digits string
}

// newUpgrade accepts a request for an upgrade of a task that can be upgraded.
func newUpgrade(request upgradeRequest, of *task, faults Faults, terms terms) *upgrade {
	u := &upgrade{
		job: job{
			id:          of.id,
			faults:      faults,
			outcome:     outcome{code: codeOK},
			credits:     terms.credits,
			base:        terms.base,
			callbackURL: request.callBackURL,
			created:     terms.now,
			finish:      finishTime(faults, terms.now, terms.latency),
		},
		of:         of,
		index:      request.index,
		resolution: request.resolution,
		digits:     newID(),
	}
	if faults.NewID {
		u.id = newID()
	}
	if faults.Fail != 0 {
		u.outcome = outcome{code: faults.Fail, message: unavailable[u.resolution]}
	}
	return u
}

// resultURLs returns where the video is, if the upgrade made or will make one.
func (u *upgrade) resultURLs() []string { return []string{u.base + u.resultPath()} }

// imageURLs returns where the picture is that comes with a video in 4K.
func (u *upgrade) imageURLs() []string { return []string{u.base + u.imagePath()} }

func (u *upgrade) resultPath() string { return upgradeFolder + u.stamped(u.digits, "mp4") }

func (u *upgrade) imagePath() string { return upgradeFolder + u.stamped(u.digits, "jpg") }

// mediaIDs returns the opaque names that KIE gives to results in 4K.
func (u *upgrade) mediaIDs() []string { return []string{otherTaskID(u.digits)} }

// files implements purchase.
func (u *upgrade) files() map[string]file {
	if u.finish.IsZero() || !u.outcome.succeeded() {
		return nil
	}
	seen := u.of.whole().at(u.resolution)
	files := map[string]file{u.resultPath(): u.madeVideo(seen, u.finish)}
	if u.resolution == resolution4K {
		files[u.imagePath()] = u.madePicture(seen, u.finish)
	}
	return files
}

// record implements purchase. Only upgrades with an id of their own are asked for.
func (u *upgrade) record(now time.Time) record {
	result := u.recordStart(now)
	result.ParamJSON = string(encode(struct {
		CallBackURL string `json:"callBackUrl,omitempty"`
		Index       int    `json:"index"`
		TaskID      string `json:"taskId"`
	}{u.callbackURL, u.index, u.of.id}))
	if result.SuccessFlag == 1 {
		result.Response = &recordResponse{
			TaskID:     u.id,
			Resolution: u.resolution,
			ResultURLs: u.faults.URLs.of(u.resultURLs()),
			ImageURLs:  u.faults.URLs.of(u.imageURLs()),
			MediaIDs:   u.mediaIDs(),
		}
	}
	return result
}

// successBody implements purchase.
func (u *upgrade) successBody(results []string) callbackBody {
	body := callbackBody{Code: codeOK, Msg: "4K Video generated successfully.", Data: &callbackData{}}
	body.Data.CreditsConsumed = u.consumed(!u.faults.HideCredits)
	if u.faults.SnakeCallback {
		body.Data.SnakeResultURLs = u.faults.URLs.of(results)
		body.Data.SnakeImageURLs = u.faults.URLs.of(u.imageURLs())
		body.Data.SnakeMediaIDs = u.mediaIDs()
		return body
	}
	body.Data.Info = &callbackInfo{ResultURLs: u.faults.URLs.of(results), ImageURLs: u.faults.URLs.of(u.imageURLs())}
	return body
}

// failureBody implements purchase. KIE documents no codes but 400 and 500.
func (u *upgrade) failureBody(claimed outcome) callbackBody {
	body := callbackBody{Code: 500, Msg: unavailable[u.resolution]}
	if claimed.code == 400 {
		body.Code = 400
	}
	if !u.faults.NullFailureData {
		body.Data = &callbackData{}
	}
	return body
}

// public returns what others may know of the upgrade at a time, without what became
// of its callback.
func (u *upgrade) public(now time.Time) Upgrade {
	public := Upgrade{
		TaskID:     u.of.id,
		Index:      u.index,
		Resolution: u.resolution,
		ID:         u.id,
		Attempt:    u.attempt(),
		Credits:    u.credits,
		State:      u.state(now),
		CreatedAt:  u.created,
	}
	if public.State != TaskRunning {
		public.FinishedAt = u.finish
	}
	return public
}
