// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package veo

import (
	"regexp"
	"strings"
)

// recordWord is what a refusal says of the record of a task.
type recordWord int

const (
	// recordNothing is a refusal about something else.
	recordNothing recordWord = iota
	// recordMissing means that there is no such record, or not yet.
	recordMissing
	// recordForgotten means that it is too old to be spoken of.
	recordForgotten
	// recordUnfinished means that it is there and has no result yet.
	recordUnfinished
)

// The texts that are documented or were seen in answers (reference, section 4.3),
// with the verbs that they are written with. What the text is about stands at its start:
// "record does not exist" is about the task, and "record result data not exist",
// "prompt is null" and "the model does not exist" are not.
var (
	textsForgotten  = regexp.MustCompile(`\b14[ -]days?\b`)
	textsUnfinished = regexp.MustCompile(`\bstatus is not success|\bdata (is )?(blank|empty)\b|\bresult data ((is )?null|(is |does |do )?not (exist|found))`)
	textsMissing    = regexp.MustCompile(`^((the|this|original|source|task|video|generation) )*` +
		`(((record|record ?info|data|task) (is )?null|(record|record ?info|task|task ?id|original video|source video) (is |does |do )?(not|doesn't) (exists?|found))\b|no such (record|task)\b)`)
)

// saidOfRecord finds out what a refusal says of the record that was asked about.
func saidOfRecord(message string) recordWord {
	message = strings.Join(strings.Fields(strings.ToLower(message)), " ")
	switch {
	case textsForgotten.MatchString(message):
		return recordForgotten
	case textsUnfinished.MatchString(message):
		return recordUnfinished
	case textsMissing.MatchString(message):
		return recordMissing
	default:
		return recordNothing
	}
}
