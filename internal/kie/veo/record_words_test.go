// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package veo

import "testing"

func TestSaidOfRecord(t *testing.T) {
	for _, tc := range []struct {
		reason, message string
		want            recordWord
	}{
		{"documented", "record is null", recordMissing},
		{"seen on other families", "recordInfo is null", recordMissing},
		{"the same in two words", "Record info is null", recordMissing},
		{"seen", "Record does not exist", recordMissing},
		{"with an article and a point", "The record does not exist.", recordMissing},
		{"with what is missing", "record not exist: 5a1f0c3e9b7d48e2a6c4f80b1d2e3a47", recordMissing},
		{"a verb with an s", "record not exists", recordMissing},
		{"shorter", "Record doesn't exist", recordMissing},
		{"not found", "record not found", recordMissing},
		{"not found", "Task is not found", recordMissing},
		{"the task", "task does not exist", recordMissing},
		{"the id", "taskId does not exist", recordMissing},
		{"the id in two words", "The task id does not exist", recordMissing},
		{"what an extension continues", "The original video does not exist", recordMissing},
		{"what an extension continues", "original task not found", recordMissing},
		{"the record of the task", "video task record does not exist", recordMissing},
		{"without a verb", "data null", recordMissing},
		{"with one", "data is null", recordMissing},
		{"another order", "No such task", recordMissing},
		{"capital letters and space do not matter", "  RECORD \t IS  NULL ", recordMissing},

		{"documented", "Temporarily supports records within 14 days", recordForgotten},
		{"in other words", "The record is older than 14 days", recordForgotten},
		{"with a hyphen", "beyond the 14-day limit", recordForgotten},
		{"too old counts before missing", "record is null, records are kept for 14 days", recordForgotten},

		{"documented", "record result data is blank", recordUnfinished},
		{"documented", "record status is not success", recordUnfinished},
		{"documented", "record result data not exist", recordUnfinished},
		{"documented", "record result data is empty", recordUnfinished},
		{"the result, and not the record", "record result data is null", recordUnfinished},
		{"the result, and not the record", "Record result data does not exist", recordUnfinished},
		{"as one client reads it", "data is blank", recordUnfinished},
		{"as one client reads it", "status is not success", recordUnfinished},

		{"nothing", "", recordNothing},
		{"what any request may be told", "Request parameters failed validation", recordNothing},
		{"something else is null", "prompt is null", recordNothing},
		{"something else is null", "taskId is null", recordNothing},
		{"something else is null", `Cannot invoke "Record.getUrl()" because "record" is null`, recordNothing},
		{"something else is not there", "The image does not exist", recordNothing},
		{"something else is not there", "The model does not exist", recordNothing},
		{"something else is not there", "voice record does not exist", recordNothing},
		{"something else is not found", "callback record not found", recordNothing},
		{"something else is empty", "imageUrls is empty", recordNothing},
		{"something else is blank", "prompt must not be blank", recordNothing},
		{"something else is no success", "payment is not success", recordNothing},
		{"a word that begins so", "the record is nullified", recordNothing},
		{"a word that begins so", "recording does not exist", recordNothing},
		{"another number of days", "kept for 114 days", recordNothing},
		{"another number of days", "kept for 14 daylight hours", recordNothing},
		{"a rule", "videos generated after 1080P generation cannot be extended", recordNothing},
	} {
		if got := saidOfRecord(tc.message); got != tc.want {
			t.Errorf("%s, %q: got %d, want %d", tc.reason, tc.message, got, tc.want)
		}
	}
}
