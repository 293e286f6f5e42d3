// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kie

import (
	"time"

	"github.com/kie-operator/kie-operator/internal/credits"
)

// RecordState is what the API says about a task.
type RecordState string

// The states of a record.
const (
	// RecordAbsent means that the API knows no such task, or not yet.
	RecordAbsent RecordState = "Absent"
	// RecordRunning means that the task is not finished.
	RecordRunning RecordState = "Running"
	// RecordSucceeded means that the result is made; there is at least one result URL.
	RecordSucceeded RecordState = "Succeeded"
	// RecordFailed means that there will be no result.
	RecordFailed RecordState = "Failed"
	// RecordExpired means that the API has stopped answering for this task, because it is too old.
	RecordExpired RecordState = "Expired"
)

// Record is the API's word on a task, of whichever family. What a family does not tell
// is left at zero.
type Record struct {
	TaskID string
	State  RecordState
	// FromRefusal is whether the state is read from the words of a refusal. No record was shown then, so that it does
	// not prove that there is such a task, even if State is RecordRunning.
	FromRefusal bool
	// ResultURLs are the results, OriginURLs the same before cropping or scaling, FullResultURLs the whole film
	// after an extension. A URL that cannot be used is "", so that the others keep the places by which the API counts
	// them; a list without any is nil.
	ResultURLs, OriginURLs, FullResultURLs []string
	// Resolution is the resolution of the result, such as "720p".
	Resolution string
	// HasAudio says of each result whether it has sound; nil where the API does not say.
	HasAudio []bool
	// Seeds are the seeds that were drawn, or given, for each result; nil where the API does not say.
	Seeds []int32
	// CreatedAt and CompletedAt are when the API made the task and when the task ended, by the API's own clock; zero
	// where it gives no time with a zone. CompletedAt may be there before State says that the task has ended.
	CreatedAt, CompletedAt time.Time
	// Credits is what the task has cost, nil where the API does not say, or says what no task can cost. It seldom says
	// it here.
	Credits *credits.Amount
	// FallbackUsed means that another model than the one that was asked for made the result.
	FallbackUsed bool
	// ErrorCode and ErrorMessage say why the task failed. ErrorCode is 0 where the API gives none.
	ErrorCode    int
	ErrorMessage string
	// CallbackURL is the callback URL of the request as the API echoes it, "" where it does not.
	CallbackURL string
}
