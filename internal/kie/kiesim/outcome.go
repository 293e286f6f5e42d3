// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import "fmt"

// flaggedPrompt is one of the three errors that start KIE's fallback model.
const flaggedPrompt = "Your prompt was flagged by Website as violating content policies"

// lostImage is KIE's message about an image that it cannot fetch.
const lostImage = "Failed to fetch the image. Kindly verify any access limits set by you or your service provider"

// outcome is the end of a task or upgrade, decided when it is accepted.
type outcome struct {
	// code is 200, or the reason of the failure.
	code int
	// message is empty for a success.
	message string
	// fallback is set if the fallback model made the video.
	fallback bool
}

func (o outcome) succeeded() bool { return o.code == codeOK }

// successFlag returns what record-info calls the outcome once it is known: 1 for
// success, 2 for a failure before completion, 3 for a failure of the model.
func (o outcome) successFlag() int {
	switch o.code {
	case codeOK:
		return 1
	case 500:
		return 2
	default:
		return 3
	}
}

// decide returns how a request ends under its faults, where one of its images may
// be lost.
func decide(request generateRequest, faults Faults, imageLost bool) outcome {
	switch {
	case faults.Fail != 0:
		return outcome{code: faults.Fail, message: failureMessage(faults.Fail)}
	case imageLost:
		return outcome{code: 400, message: lostImage}
	case faults.Fallback == "":
		return outcome{code: codeOK}
	case !request.wantsFallback():
		return outcome{code: 400, message: failureMessage(400)}
	case faults.Fallback == FallbackFailed:
		return outcome{code: 422, message: failureMessage(422)}
	default:
		return outcome{code: codeOK, fallback: true}
	}
}

// failureMessage returns the text that KIE documents for a failed task.
func failureMessage(code int) string {
	switch code {
	case 400:
		return flaggedPrompt + "."
	case 422:
		return fmt.Sprintf("Your request was rejected by Flow(%s). You may consider using our other fallback "+
			"channels, which are likely to succeed. Please refer to the documentation.", flaggedPrompt)
	case 500:
		return "Internal Error - Timeout"
	default:
		return "Video generation task failed"
	}
}
