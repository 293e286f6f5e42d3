// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package veo

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/kie-operator/kie-operator/internal/kie"
	"github.com/kie-operator/kie-operator/internal/kie/decode"
)

// Record asks for the state of a task: GET /api/v1/veo/record-info, which the API
// calls the authoritative source (reference, section 4). Every failure is a
// *kie.Error.
func Record(ctx context.Context, client *kie.Client, ep kie.Endpoint, taskID string) (kie.Record, error) {
	data, err := client.Query(ctx, ep, "/api/v1/veo/record-info?taskId="+url.QueryEscape(taskID))
	if err != nil {
		return recordOfRefusal(taskID, err)
	}
	record, err := decodeRecord(data)
	if err != nil {
		return kie.Record{}, &kie.Error{Class: kie.Unavailable, Err: err}
	}
	if record.State == kie.RecordAbsent {
		return kie.Record{TaskID: taskID, State: kie.RecordAbsent}, nil
	}
	if record.TaskID != "" && record.TaskID != taskID {
		return kie.Record{}, &kie.Error{Class: kie.Unavailable, Err: errors.New("the answer is about another task")}
	}
	record.TaskID = taskID
	record.ErrorMessage = kie.Redact(record.ErrorMessage, ep.APIKey, record.CallbackURL)
	return record, nil
}

// recordOfRefusal reads the refusals that in truth tell the state of a task: 404,
// and 400 or 422 with one of a handful of texts.
func recordOfRefusal(taskID string, err error) (kie.Record, error) {
	var refusal *kie.Error
	if !errors.As(err, &refusal) || errors.Is(refusal.Err, kie.ErrNotTheAPI) {
		return kie.Record{}, err // no word of the API on the task: a gateway's 404 must not pass for a lost task
	}
	switch refusal.Code {
	case http.StatusNotFound:
		if refusal.Own {
			return kie.Record{TaskID: taskID, State: kie.RecordAbsent, FromRefusal: true}, nil
		}
		return kie.Record{}, err
	case http.StatusBadRequest, http.StatusUnprocessableEntity:
	default:
		return kie.Record{}, err
	}
	switch saidOfRecord(refusal.Message) { // words that no gateway has
	case recordMissing:
		return kie.Record{TaskID: taskID, State: kie.RecordAbsent, FromRefusal: true}, nil
	case recordForgotten:
		return kie.Record{TaskID: taskID, State: kie.RecordExpired, FromRefusal: true}, nil
	case recordUnfinished:
		return kie.Record{TaskID: taskID, State: kie.RecordRunning, FromRefusal: true}, nil
	default:
		return kie.Record{}, err
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
func decodeRecord(data json.RawMessage) (kie.Record, error) {
	fields, err := decode.Object(data)
	if err != nil {
		return kie.Record{}, errors.New("the data of the answer is not an object")
	}
	if fields == nil {
		return kie.Record{State: kie.RecordAbsent}, nil
	}
	response, err := decode.Object(fields["response"])
	if err != nil {
		return kie.Record{}, errors.New("the response in the answer is not an object")
	}
	id, err := recordID(fields)
	if err != nil {
		return kie.Record{}, err
	}
	flag, ok := decode.Int(fields["successFlag"])
	if !ok {
		return kie.Record{}, errors.New("the answer has no successFlag")
	}
	first := func(name string) json.RawMessage {
		if raw, ok := response[name]; ok && string(raw) != "null" {
			return raw
		}
		return fields[name]
	}
	record := kie.Record{
		TaskID:         id,
		ResultURLs:     decode.URLPlaces(first("resultUrls")),
		OriginURLs:     decode.URLPlaces(first("originUrls")),
		FullResultURLs: decode.URLPlaces(first("fullResultUrls")),
		Resolution:     bounded(decode.String(first("resolution")), 16),
		HasAudio:       decodeBools(first("hasAudioList")), // Veo leaves out sound that it dislikes
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
		record.State = kie.RecordRunning
	case flagSucceeded:
		record.State = kie.RecordSucceeded
		if len(record.ResultURLs) == 0 && len(record.FullResultURLs) == 0 {
			record.State = kie.RecordRunning
		}
	default:
		record.State = kie.RecordFailed
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

// decodeBools reads a list of booleans, one for each result. If one of them cannot
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
