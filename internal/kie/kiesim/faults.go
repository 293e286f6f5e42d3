// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"encoding/json"
	"time"
)

// Faults is the fate of a task, or of an upgrade of one. In the zero value
// everything goes well. Markers in a prompt change single fields of it for the
// task of that prompt and for its upgrades.
type Faults struct {
	// Submit refuses the submission with this code; nothing is bought. 403 is a
	// bare HTTP 403 of the kind that Cloudflare sends. For an upgrade this and
	// RefuseThen are about every request, not just the first.
	Submit int
	// RefuseThen refuses the submission in a way that does not tell whether it
	// was accepted. It was not.
	RefuseThen RefuseThen
	// AcceptThen accepts and charges the submission and loses the answer.
	AcceptThen AcceptThen

	// Latency replaces Options.Latency when it is not zero.
	Latency time.Duration
	// NeverFinish keeps the task running for ever.
	NeverFinish bool
	// Fail makes the accepted task fail with this code: 400, 422, 500 or 501. An
	// upgrade then answers it for ever: 422 or 500 at 1080p, 400, 422 or 500 in 4K.
	Fail int
	// Fallback makes the first model refuse the content, which is what KIE's
	// fallback model is for.
	Fallback Fallback
	// Deliver makes a task deliver this resolution, whatever was asked and paid for.
	Deliver string
	// DeliverSeconds makes a task deliver a video of this length: 4, 6, 8 or 15.
	DeliverSeconds int
	// NoAudio makes record-info say that the video has no sound.
	NoAudio bool
	// Seed is the seed that record-info tells, whatever was asked for. Zero leaves it.
	Seed int
	// NoFullResultURLs leaves fullResultUrls out where they are null.
	NoFullResultURLs bool
	// ExtendURLs says which videos an extension has.
	ExtendURLs ExtendURLs
	// LinkFor ends the plain URLs of videos this long after they were made. Links
	// of download-url still lead to them. Zero keeps them.
	LinkFor time.Duration
	// File is how the videos behave when they are fetched.
	File FileFaults

	// NoCallback sends no callback.
	NoCallback bool
	// EarlyCallback sends the callback before the submission is answered. Unless
	// Latency is set the task has also finished by then.
	EarlyCallback bool
	// LateCallback delays the callback after the end of the task.
	LateCallback time.Duration
	// TwiceCallback sends the callback again once it was acknowledged.
	TwiceCallback bool
	// Lie makes the callback one that should not be believed. Whatever it says,
	// record-info keeps telling the truth.
	Lie Lie

	// CallbackID is where the callback carries the task id.
	CallbackID CallbackID
	// URLs is the shape of lists of URLs in record-info and callbacks.
	URLs URLShape
	// MalformedPromptJSON makes the JSON text inside the callback invalid, as it
	// is in a sample of KIE's documentation.
	MalformedPromptJSON bool

	// TextTimes makes record-info print times as "2006-01-02 15:04:05" in UTC,
	// as KIE's documentation does, and not in milliseconds.
	TextTimes bool
	// Queries replace the answers to questions about the task: those of record-info,
	// and for an upgrade those to every request for it but the first. The last one
	// that is in force counts.
	Queries []Override
	// Lag is how long record-info keeps successFlag 0 after completeTime was set.
	Lag time.Duration

	// CreditsConsumed is what the record and the callback say that a task or a 4K
	// upgrade has cost, whatever was paid: a number as JSON has them. Empty leaves it.
	CreditsConsumed json.Number
	// ShowCredits puts creditsConsumed into the record and the callback of a task.
	ShowCredits bool
	// HideCredits leaves creditsConsumed out of the callback of a 4K upgrade.
	HideCredits bool

	// NotReady is the code of the answer about a running upgrade to 1080p: 400, 422
	// or 500. Zero means 400.
	NotReady int
	// SnakeAnswer spells the fields of the answer about an upgrade in snake case.
	SnakeAnswer bool
	// SnakeCallback spells those of the callback of a 4K upgrade so, without info.
	SnakeCallback bool
	// NewID gives a 4K upgrade an id of its own, which record-info knows.
	NewID bool
	// NullFailureData leaves data, and with it the id, out of the callback of a 4K
	// upgrade that failed.
	NullFailureData bool

	// Upgrade1080p and Upgrade4K are the fates of upgrades of the task, as of the
	// time when they are first asked for. Nil is one where everything goes well.
	// What they point to must not be changed any more.
	Upgrade1080p, Upgrade4K *Faults
}

// AcceptThen is how the answer to an accepted submission gets lost.
type AcceptThen string

const (
	// AcceptThenDrop closes the connection without an answer.
	AcceptThenDrop AcceptThen = "drop"
	// AcceptThen500 answers HTTP 500.
	AcceptThen500 AcceptThen = "500"
	// AcceptThen502 answers HTTP 502 with the HTML page of a gateway. For any other
	// status there is [AcceptThenHTML].
	AcceptThen502 AcceptThen = "502"
	// AcceptThen1010 answers Cloudflare's bare HTTP 403, which is not JSON.
	AcceptThen1010 AcceptThen = "1010"
	// AcceptThenCode500 answers HTTP 200 with code 500 in the body.
	AcceptThenCode500 AcceptThen = "code-500"
	// AcceptThenGarbage answers HTTP 200 with something that is not JSON.
	AcceptThenGarbage AcceptThen = "garbage"
	// AcceptThenNoTaskID answers code 200 without a task id.
	AcceptThenNoTaskID AcceptThen = "no-task-id"
	// AcceptThenHang does not answer until the client gives up.
	AcceptThenHang AcceptThen = "hang"
)

// RefuseThen is how a submission that was not accepted looks as if it might have
// been. One more is [RefuseThenHTML].
type RefuseThen string

const (
	// RefuseThenDrop closes the connection without an answer.
	RefuseThenDrop RefuseThen = "drop"
	// RefuseThen500 answers HTTP 500.
	RefuseThen500 RefuseThen = "500"
)

// Fallback is what comes of a task whose content the first model refuses. Without
// enableFallback, or with an aspect ratio other than 16:9, it fails with 400.
type Fallback string

const (
	// FallbackUsed lets the fallback model make the video.
	FallbackUsed Fallback = "used"
	// FallbackFailed lets the fallback model fail too, with 422.
	FallbackFailed Fallback = "failed"
)

// ExtendURLs says where the videos of an extension are.
type ExtendURLs string

const (
	// ExtendURLsBoth has the last part in resultUrls and the whole film in
	// fullResultUrls; it is the default.
	ExtendURLsBoth ExtendURLs = "both"
	// ExtendURLsFull has only fullResultUrls.
	ExtendURLsFull ExtendURLs = "full"
	// ExtendURLsResult has only resultUrls.
	ExtendURLsResult ExtendURLs = "result"
)

// CallbackID is the place of the task id in a callback; KIE's documentation shows
// each of them.
type CallbackID string

const (
	// CallbackIDTaskID is data.taskId, the default.
	CallbackIDTaskID CallbackID = "taskId"
	// CallbackIDSnake is data.task_id.
	CallbackIDSnake CallbackID = "task_id"
	// CallbackIDTop is taskId beside code and msg.
	CallbackIDTop CallbackID = "top"
	// CallbackIDBoth is data.taskId and data.task_id.
	CallbackIDBoth CallbackID = "both"
)

// URLShape is the form of a list of URLs; KIE's documentation shows all three.
type URLShape string

const (
	// URLsArray is a JSON array, the default.
	URLsArray URLShape = "array"
	// URLsJSON is a string that holds a JSON array.
	URLsJSON URLShape = "json"
	// URLsBrackets is a string of URLs in brackets, without quotes.
	URLsBrackets URLShape = "brackets"
)

// Lie is a callback that a receiver must not act on.
type Lie string

const (
	// LieForged claims success with foreign URLs under the right signature.
	LieForged Lie = "forged"
	// LieForgedFailure claims failure under the right signature.
	LieForgedFailure Lie = "forged-failure"
	// LieBadSignature is signed with another key.
	LieBadSignature Lie = "bad-signature"
	// LieUnsigned has no signature though there is a key.
	LieUnsigned Lie = "unsigned"
	// LieStale is rightly signed, ten minutes ago.
	LieStale Lie = "stale"
	// LieWrongID is signed for another task.
	LieWrongID Lie = "wrong-id"
	// LieMixedIDs names the signed task in one place and another task in another.
	LieMixedIDs Lie = "mixed-ids"
	// LieOversized is the truth with a megabyte of padding.
	LieOversized Lie = "oversized"
	// LieGarbage is not JSON.
	LieGarbage Lie = "garbage"
)
