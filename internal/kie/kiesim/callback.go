// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/kie-operator/kie-operator/internal/kie"
)

const (
	// staleness is the age of the timestamp of LieStale.
	staleness = 10 * time.Minute
	// oversize is the padding of LieOversized in bytes.
	oversize = 1 << 20
)

// callback is a message to a receiver.
type callback struct {
	body []byte
	// timestamp and signature are empty for an unsigned message.
	timestamp string
	signature string
}

// callbackBody is the JSON of a callback; top-level TaskID and Padding appear only
// under some fates.
type callbackBody struct {
	Code    int           `json:"code"`
	Msg     string        `json:"msg"`
	Data    *callbackData `json:"data"`
	TaskID  string        `json:"taskId,omitempty"`
	Padding string        `json:"padding,omitempty"`
}

// callbackData has the fields of all callbacks. Those in snake case are in one of
// KIE's two schemas for 4K upgrades. Upgrades have no FallbackFlag.
type callbackData struct {
	TaskID          string        `json:"taskId,omitempty"`
	SnakeTaskID     string        `json:"task_id,omitempty"`
	PromptJSON      string        `json:"promptJson,omitempty"`
	Info            *callbackInfo `json:"info,omitempty"`
	SnakeResultURLs any           `json:"result_urls,omitempty"`
	SnakeMediaIDs   []string      `json:"media_ids,omitempty"`
	SnakeImageURLs  any           `json:"image_urls,omitempty"`
	FallbackFlag    *bool         `json:"fallbackFlag,omitempty"`
	CreditsConsumed json.Number   `json:"creditsConsumed,omitempty"`
}

type callbackInfo struct {
	ResultURLs any `json:"resultUrls"`
	// FullResultURLs are null after a generation, and left out of everything else.
	FullResultURLs any    `json:"fullResultUrls,omitempty"`
	OriginURLs     any    `json:"originUrls,omitempty"`
	ImageURLs      any    `json:"imageUrls,omitempty"`
	Resolution     string `json:"resolution,omitempty"`
}

// newCallback returns the message about a purchase as it is sent at a time, signed
// unless the key is empty.
func newCallback(p purchase, key string, now time.Time) callback {
	j := p.bought()
	message := callback{body: callbackBytes(p)}
	if key == "" || j.faults.Lie == LieUnsigned {
		return message
	}
	signedID, signedAt := j.id, now
	switch j.faults.Lie {
	case LieBadSignature:
		key += "-other"
	case LieStale:
		signedAt = now.Add(-staleness)
	case LieWrongID:
		signedID = otherTaskID(j.id)
	}
	message.timestamp = strconv.FormatInt(signedAt.Unix(), 10)
	message.signature = kie.Sign(key, signedID, message.timestamp)
	return message
}

// callbackBytes returns the body of the message, true or not.
func callbackBytes(p purchase) []byte {
	j := p.bought()
	if j.faults.Lie == LieGarbage {
		return []byte("<html>not JSON</html>")
	}
	body := trueCallback(p)
	switch j.faults.Lie {
	case LieForged:
		body = p.successBody([]string{"https://forged.example" + resultFolder + j.stamped(j.id, "mp4")})
	case LieForgedFailure:
		body = p.failureBody(outcome{code: 501, message: failureMessage(501)})
	case LieOversized:
		body.Padding = strings.Repeat("x", oversize)
	}
	if body.Data != nil {
		body.placeID(j)
	}
	return encode(body)
}

// trueCallback returns the documented message about the outcome, without the id.
func trueCallback(p purchase) callbackBody {
	if j := p.bought(); !j.outcome.succeeded() {
		return p.failureBody(j.outcome)
	}
	return p.successBody(p.resultURLs())
}

// successBody implements purchase.
func (t *task) successBody(results []string) callbackBody {
	body := callbackBody{Code: codeOK, Msg: "Veo3.1 video generated successfully.", Data: &callbackData{
		PromptJSON: t.request.echo(),
		Info: &callbackInfo{
			ResultURLs: t.faults.URLs.of(results),
			OriginURLs: t.faults.URLs.of(t.originURLs()),
			Resolution: t.result.resolution,
		},
		FallbackFlag: &t.outcome.fallback,
	}}
	switch {
	case t.extends != nil:
		body.Msg = "Veo3.1 video extension successful."
	case t.outcome.fallback:
		body.Msg = "Veo3.1 video generated successfully (using fallback model)."
	}
	if t.extends == nil {
		body.Data.Info.FullResultURLs = t.shownFullResultURLs()
	}
	body.Data.CreditsConsumed = t.consumed(t.faults.ShowCredits)
	if t.faults.MalformedPromptJSON {
		// KIE's sample has a backslash before the h of https.
		body.Data.PromptJSON = strings.Replace(body.Data.PromptJSON, `"callBackUrl":"`, `"callBackUrl":"\`, 1)
	}
	return body
}

// failureBody implements purchase.
func (t *task) failureBody(claimed outcome) callbackBody {
	return callbackBody{Code: claimed.code, Msg: claimed.message, Data: &callbackData{FallbackFlag: new(bool)}}
}

// placeID writes the id of the purchase into the fields that its fate names.
func (b *callbackBody) placeID(j *job) {
	switch j.faults.CallbackID {
	case CallbackIDSnake:
		b.Data.SnakeTaskID = j.id
	case CallbackIDTop:
		b.TaskID = j.id
	case CallbackIDBoth:
		b.Data.TaskID, b.Data.SnakeTaskID = j.id, j.id
	default:
		if j.faults.SnakeCallback {
			b.Data.SnakeTaskID = j.id
		} else {
			b.Data.TaskID = j.id
		}
	}
	if j.faults.Lie == LieMixedIDs {
		b.mixIDs(otherTaskID(j.id))
	}
}

// mixIDs adds another id in the first field for ids that has none.
func (b *callbackBody) mixIDs(other string) {
	if b.Data.TaskID == "" {
		b.Data.TaskID = other
		return
	}
	b.Data.SnakeTaskID = other
}

// otherTaskID returns an id of the right form that no task has.
func otherTaskID(id string) string {
	sum := sha256.Sum256([]byte(id))
	return hex.EncodeToString(sum[:16])
}
