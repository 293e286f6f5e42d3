// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"crypto/sha256"
	"encoding/hex"
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
	Code    int          `json:"code"`
	Msg     string       `json:"msg"`
	Data    callbackData `json:"data"`
	TaskID  string       `json:"taskId,omitempty"`
	Padding string       `json:"padding,omitempty"`
}

type callbackData struct {
	TaskID       string        `json:"taskId,omitempty"`
	SnakeTaskID  string        `json:"task_id,omitempty"`
	PromptJSON   string        `json:"promptJson,omitempty"`
	Info         *callbackInfo `json:"info,omitempty"`
	FallbackFlag bool          `json:"fallbackFlag"`
}

type callbackInfo struct {
	ResultURLs any    `json:"resultUrls"`
	OriginURLs any    `json:"originUrls,omitempty"`
	Resolution string `json:"resolution"`
}

// wantsCallback reports whether anybody is to be told of the end of the task.
func (t *task) wantsCallback() bool {
	return t.request.CallBackURL != "" && !t.faults.NoCallback
}

// callback returns the message about the task as it is sent at a time, signed
// unless the key is empty.
func (t *task) callback(key string, now time.Time) callback {
	message := callback{body: t.callbackBytes()}
	if key == "" || t.faults.Lie == LieUnsigned {
		return message
	}
	signedID, signedAt := t.id, now
	switch t.faults.Lie {
	case LieBadSignature:
		key += "-other"
	case LieStale:
		signedAt = now.Add(-staleness)
	case LieWrongID:
		signedID = otherTaskID(t.id)
	}
	message.timestamp = strconv.FormatInt(signedAt.Unix(), 10)
	message.signature = kie.Sign(key, signedID, message.timestamp)
	return message
}

// callbackBytes returns the body of the message, true or not.
func (t *task) callbackBytes() []byte {
	if t.faults.Lie == LieGarbage {
		return []byte("<html>not JSON</html>")
	}
	body := t.trueCallback()
	switch t.faults.Lie {
	case LieForged:
		forged := []string{"https://forged.example/v/" + t.resultFile()}
		body = successBody(outcome{code: codeOK}, &callbackInfo{ResultURLs: forged, Resolution: resolution})
	case LieForgedFailure:
		body = callbackBody{Code: 501, Msg: failureMessage(501)}
	case LieOversized:
		body.Padding = strings.Repeat("x", oversize)
	}
	switch t.faults.CallbackID {
	case CallbackIDSnake:
		body.Data.SnakeTaskID = t.id
	case CallbackIDTop:
		body.TaskID = t.id
	default:
		body.Data.TaskID = t.id
	}
	if t.faults.Lie == LieMixedIDs {
		body.mixIDs(otherTaskID(t.id))
	}
	return encode(body)
}

// trueCallback returns the documented message about the outcome, without the id.
func (t *task) trueCallback() callbackBody {
	if !t.outcome.succeeded() {
		return callbackBody{Code: t.outcome.code, Msg: t.outcome.message}
	}
	body := successBody(t.outcome, &callbackInfo{
		ResultURLs: t.faults.URLs.of(t.resultURLs()),
		OriginURLs: t.faults.URLs.of(t.originURLs()),
		Resolution: resolution,
	})
	body.Data.PromptJSON = t.request.echo()
	if t.faults.MalformedPromptJSON {
		// KIE's sample has a backslash before the h of https.
		body.Data.PromptJSON = strings.Replace(body.Data.PromptJSON, `"callBackUrl":"`, `"callBackUrl":"\`, 1)
	}
	return body
}

func successBody(o outcome, info *callbackInfo) callbackBody {
	message := "Veo3.1 video generated successfully."
	if o.fallback {
		message = "Veo3.1 video generated successfully (using fallback model)."
	}
	return callbackBody{Code: codeOK, Msg: message, Data: callbackData{Info: info, FallbackFlag: o.fallback}}
}

// mixIDs adds another id in the first place that has none.
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
