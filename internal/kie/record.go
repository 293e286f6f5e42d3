// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/kie-operator/kie-operator/internal/credits"
	"github.com/kie-operator/kie-operator/internal/kie/decode"
)

// RecordState is what the API says about a task.
type RecordState string

// The states of a record.
const (
	// RecordAbsent means that the API knows no such task, or not yet.
	RecordAbsent RecordState = "Absent"
	// RecordRunning means that the task is not finished.
	RecordRunning RecordState = "Running"
	// RecordSucceeded means that the video is made; there is at least one result URL.
	RecordSucceeded RecordState = "Succeeded"
	// RecordFailed means that there will be no video.
	RecordFailed RecordState = "Failed"
	// RecordExpired means that the API has stopped answering for this task, which it does after 14 days.
	RecordExpired RecordState = "Expired"
)

// Record is the API's word on a task.
type Record struct {
	TaskID string
	State  RecordState
	// FromRefusal is whether the state is read from the words of a refusal. No record was shown then, so that it does
	// not prove that there is such a task, even if State is RecordRunning.
	FromRefusal bool
	// ResultURLs are the videos, OriginURLs the same before cropping or scaling, FullResultURLs the whole film
	// after an extension. A URL that cannot be used is "", so that the others keep the places by which the API counts
	// them; a list without any is nil.
	ResultURLs, OriginURLs, FullResultURLs []string
	// Resolution is the resolution of the result, such as "720p".
	Resolution string
	// HasAudio says of each result whether it has sound (hasAudioList), which Veo leaves out when it dislikes it; nil
	// where the API does not say.
	HasAudio []bool
	// Seeds are the seeds that were drawn, or given, for each result; nil where the API does not say.
	Seeds []int32
	// CreatedAt and CompletedAt are when the API made the task and when the task ended (createTime, completeTime), by
	// the API's own clock; zero where it gives no time with a zone. CompletedAt may be there before State says that
	// the task has ended.
	CreatedAt, CompletedAt time.Time
	// Credits is what the task has cost, nil where the API does not say, or says what no task can cost. It seldom says
	// it here.
	Credits *credits.Amount
	// FallbackUsed means that another model than Veo made the video.
	FallbackUsed bool
	// ErrorCode and ErrorMessage say why the task failed. ErrorCode is 0 where the API gives none.
	ErrorCode    int
	ErrorMessage string
	// CallbackURL is the callback URL of the request as the API echoes it, "" where it does not.
	CallbackURL string
}

// errUnknownFamily says that a task is not asked about: another family would not
// know it.
var errUnknownFamily = errors.New("this client knows no such family of the API")

// Record asks for the state of a task of a family: GET /api/v1/veo/record-info,
// which the API calls the authoritative source. Every failure is an *Error.
func (c *Client) Record(ctx context.Context, ep Endpoint, family Family, taskID string) (Record, error) {
	if family != Veo {
		return Record{}, &Error{Class: Unavailable, Err: errUnknownFamily}
	}
	data, err := c.Query(ctx, ep, "/api/v1/veo/record-info?taskId="+url.QueryEscape(taskID))
	if err != nil {
		return recordOfRefusal(taskID, err)
	}
	record, err := decodeRecord(data)
	if err != nil {
		return Record{}, &Error{Class: Unavailable, Err: err}
	}
	if record.State == RecordAbsent {
		return Record{TaskID: taskID, State: RecordAbsent}, nil
	}
	if record.TaskID != "" && record.TaskID != taskID {
		return Record{}, &Error{Class: Unavailable, Err: errors.New("the answer is about another task")}
	}
	record.TaskID = taskID
	record.ErrorMessage = Redact(record.ErrorMessage, ep.APIKey, record.CallbackURL)
	return record, nil
}

// recordOfRefusal reads the refusals that are in truth states: 404, and 400 or
// 422 with one of a handful of texts.
func recordOfRefusal(taskID string, err error) (Record, error) {
	var refusal *Error
	if !errors.As(err, &refusal) || errors.Is(refusal.Err, ErrNotTheAPI) {
		return Record{}, err // no word of the API on the task: a gateway's 404 must not pass for a lost task
	}
	switch refusal.Code {
	case http.StatusNotFound:
		if refusal.Own {
			return Record{TaskID: taskID, State: RecordAbsent, FromRefusal: true}, nil
		}
		return Record{}, err
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
	default:
		return Record{}, err
	}
	switch saidOfRecord(refusal.Message) { // words that no gateway has
	case recordMissing:
		return Record{TaskID: taskID, State: RecordAbsent, FromRefusal: true}, nil
	case recordForgotten:
		return Record{TaskID: taskID, State: RecordExpired, FromRefusal: true}, nil
	case recordUnfinished:
		return Record{TaskID: taskID, State: RecordRunning, FromRefusal: true}, nil
	default:
		return Record{}, err
	}
}

// Values of successFlag. Everything else is a failure.
const (
	flagRunning   = 0
	flagSucceeded = 1
)

// decodeRecord reads the data of an answer in each of the shapes that have been
// seen or documented. It never panics and never believes in a success without a
// result.
func decodeRecord(data json.RawMessage) (Record, error) {
	fields, err := decode.Object(data)
	if err != nil {
		return Record{}, errors.New("the data of the answer is not an object")
	}
	if fields == nil {
		return Record{State: RecordAbsent}, nil
	}
	response, err := decode.Object(fields["response"])
	if err != nil {
		return Record{}, errors.New("the response in the answer is not an object")
	}
	id, err := recordID(fields)
	if err != nil {
		return Record{}, err
	}
	flag, ok := decode.Int(fields["successFlag"])
	if !ok {
		return Record{}, errors.New("the answer has no successFlag")
	}
	first := func(name string) json.RawMessage {
		if raw, ok := response[name]; ok && string(raw) != "null" {
			return raw
		}
		return fields[name]
	}
	record := Record{
		TaskID:         id,
		ResultURLs:     decode.URLPlaces(first("resultUrls")),
		OriginURLs:     decode.URLPlaces(first("originUrls")),
		FullResultURLs: decode.URLPlaces(first("fullResultUrls")),
		Resolution:     bounded(decode.String(first("resolution")), 16),
		HasAudio:       decodeBools(first("hasAudioList")),
		Seeds:          decodeSeeds(first("seeds")),
		CreatedAt:      decode.Millis(fields["createTime"]),
		CompletedAt:    decode.Millis(fields["completeTime"]),
		Credits:        decode.Credits(first("creditsConsumed")),
		ErrorMessage:   decode.String(fields["errorMessage"]),
	}
	record.ErrorCode, _ = decode.Int(fields["errorCode"])
	record.FallbackUsed = decode.Bool(fields["fallbackFlag"])
	if params, err := decode.Object(fields["paramJson"]); err == nil {
		record.CallbackURL = decode.String(params["callBackUrl"])
	}
	switch flag {
	case flagRunning:
		// The response can be there before the task is finished: its presence means nothing.
		record.State = RecordRunning
	case flagSucceeded:
		record.State = RecordSucceeded
		if len(record.ResultURLs) == 0 && len(record.FullResultURLs) == 0 {
			record.State = RecordRunning
		}
	default:
		record.State = RecordFailed
	}
	return record, nil
}

// recordID is the task that a record is about, in either spelling; "" where it
// names none.
func recordID(fields map[string]json.RawMessage) (string, error) {
	id, other := decode.String(fields["taskId"]), decode.String(fields["task_id"])
	if id != "" && other != "" && id != other {
		return "", errors.New("the answer names two tasks")
	}
	return cmp.Or(id, other), nil
}

// decodeBools reads a list of truths, one for each result. If one of them cannot
// be read, nothing is known of any, because they have their meaning by their place.
func decodeBools(raw json.RawMessage) []bool {
	return decode.Places(raw, func(item json.RawMessage) (bool, bool) {
		var truth *bool
		if json.Unmarshal(item, &truth) != nil || truth == nil {
			return false, false
		}
		return *truth, true
	})
}

// decodeSeeds reads a list of seeds, one for each result, like decodeBools.
func decodeSeeds(raw json.RawMessage) []int32 {
	return decode.Places(raw, func(item json.RawMessage) (int32, bool) {
		seed, ok := decode.Int(item)
		return int32(seed), ok //nolint:gosec // decode.Int keeps to 32 bits
	})
}

func bounded(text string, limit int) string {
	if len(text) > limit {
		return ""
	}
	return text
}
