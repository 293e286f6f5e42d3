// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/kie-operator/kie-operator/internal/kie/decode"
)

// Why the body of a callback cannot be used. The errors say nothing of what was
// in the body, so that they can be logged.
var (
	// ErrCallbackMalformed means that the body is not one JSON object.
	ErrCallbackMalformed = errors.New("the callback is not a JSON object")
	// ErrCallbackNoTaskID means that no task is named in any of the known places.
	ErrCallbackNoTaskID = errors.New("the callback names no task")
	// ErrCallbackInvalidTaskID means that a task id is not a short printable text.
	ErrCallbackInvalidTaskID = errors.New("the callback has a task id that cannot be used")
	// ErrCallbackTaskIDsDiffer means that two places name different tasks.
	ErrCallbackTaskIDsDiffer = errors.New("the callback names more than one task")
)

// Callback is what is read from the body of a callback. It is little on
// purpose: the signature does not cover the body, so the rest of it cannot be
// believed and is not looked at.
type Callback struct {
	// TaskID is the task that the callback speaks of.
	TaskID string
	// Code is the outcome that the callback claims, nil where it gives none that can be read.
	Code *int32
}

// DecodeCallback reads the body of a callback.
//
// The id of the task is in data.taskId, data.task_id, taskId or task_id,
// depending on the endpoint and the version of the API. It is taken from
// wherever it is, and every place that has one must have the same: a forged
// body must not show one task to the check of the signature and another one to
// whatever acts on it. A key that is given twice counts as two places.
//
// Everything else may have any form. A callback about a failure may name no task
// (reference, section 8.2 f): with ErrCallbackNoTaskID, and with
// no other error, the Callback holds the code.
func DecodeCallback(body []byte) (Callback, error) {
	root, err := members(bytes.TrimPrefix(body, []byte("\xef\xbb\xbf")))
	if err != nil {
		return Callback{}, ErrCallbackMalformed
	}
	ids := taskIDs(root)
	for _, data := range root["data"] {
		if fields, err := members(data); err == nil {
			ids = append(ids, taskIDs(fields)...)
		}
	}
	id, err := agreedTaskID(ids)
	if err != nil && !errors.Is(err, ErrCallbackNoTaskID) {
		return Callback{}, err
	}
	return Callback{TaskID: id, Code: agreedCode(root["code"])}, err
}

// members reads one JSON object and keeps every value of every key, where the
// usual decoding keeps the last one and says nothing.
func members(text []byte) (map[string][]json.RawMessage, error) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		return nil, ErrCallbackMalformed
	}
	fields := map[string][]json.RawMessage{}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, err
		}
		name, ok := key.(string)
		if !ok {
			return nil, ErrCallbackMalformed
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, err
		}
		fields[name] = append(fields[name], value)
	}
	if _, err := decoder.Token(); err != nil { // the closing brace
		return nil, err
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, ErrCallbackMalformed
	}
	return fields, nil
}

func taskIDs(fields map[string][]json.RawMessage) []json.RawMessage {
	return append(append([]json.RawMessage{}, fields["taskId"]...), fields["task_id"]...)
}

// agreedTaskID is the id that all the values have in common. Null and the empty
// text are how the API writes that a place has none.
func agreedTaskID(values []json.RawMessage) (string, error) {
	agreed := ""
	for _, value := range values {
		var id *string
		if err := json.Unmarshal(value, &id); err != nil {
			return "", ErrCallbackInvalidTaskID
		}
		switch {
		case id == nil || *id == "":
		case !ValidTaskID(*id):
			return "", ErrCallbackInvalidTaskID
		case agreed != "" && *id != agreed:
			return "", ErrCallbackTaskIDsDiffer
		default:
			agreed = *id
		}
	}
	if agreed == "" {
		return "", ErrCallbackNoTaskID
	}
	return agreed, nil
}

// agreedCode is the code that all the values have in common. It only informs,
// so one that cannot be read, or is given twice and differs, is left out
// instead of losing the callback.
func agreedCode(values []json.RawMessage) *int32 {
	var agreed *int32
	for _, value := range values {
		number, ok := decode.Int(value)
		code := int32(number) //nolint:gosec // decode.Int keeps to 32 bits
		if !ok || (agreed != nil && *agreed != code) {
			return nil
		}
		agreed = &code
	}
	return agreed
}
