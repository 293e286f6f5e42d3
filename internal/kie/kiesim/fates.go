// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Placeholders in Fate.Value.
const (
	placeholderDuration = "DURATION"
	placeholderCode     = "CODE"
	placeholderBytes    = "BYTES"
	placeholderNumber   = "NUMBER"
	placeholderSpan     = "[-after=DURATION][-for=DURATION]"
)

// fates is the one table that prompts, flags and the help text are made of.
var fates = slices.Concat(
	refusalFates,
	submissionFates,
	timeFates,
	failureFates,
	resultFates,
	callbackFates,
	formFates,
	recordFates,
	ofUpgrade("1080p-", "1080p upgrade: ", func(f *Faults) **Faults { return &f.Upgrade1080p }, slices.Concat(
		upgradeRefusalFates, submissionFates, timeFates, fates1080p, upgradeQueryFates, fileFates)),
	ofUpgrade("4k-", "4K upgrade: ", func(f *Faults) **Faults { return &f.Upgrade4K }, slices.Concat(
		upgradeRefusalFates, submissionFates, timeFates, fates4K, upgradeQueryFates, fileFates, callbackFates, urlsFates)),
)

// Whether a submission is accepted, and what the client hears of it.
var (
	refusalFates = []Fate{
		refusalFate(400, "refused: content policy"),
		refusalFate(401, "refused: the API key has no access"),
		refusalFate(402, "refused: not enough credits"),
		refusalFate(403, "refused by the gateway: a bare HTTP 403, not JSON"),
		refusalFate(422, "refused: validation"),
		refusalFate(429, "refused: too many submissions"),
		refusalFate(455, "refused: maintenance"),
		refusalFate(501, "refused: generation failed"),
		refusalFate(505, "refused: feature disabled"),
	}
	upgradeRefusalFates = []Fate{
		refusalFate(401, "every request refused: the API key has no access"),
		refusalFate(402, "every request refused: not enough credits"),
		refusalFate(403, "every request refused by the gateway: a bare HTTP 403, not JSON"),
		refusalFate(404, "every request refused: not found"),
		refusalFate(422, "every request refused: validation"),
		refusalFate(429, "every request refused: too many requests"),
		refusalFate(451, "every request refused: an image cannot be fetched"),
		refusalFate(455, "every request refused: maintenance"),
		refusalFate(505, "every request refused: feature disabled"),
	}
	submissionFates = []Fate{
		refuseThenFate(RefuseThen500, "not accepted, but the answer is HTTP 500"),
		refuseThenFate(RefuseThenDrop, "not accepted, and the connection is closed without an answer"),
		pageFate("refuse-then", "not accepted, and the answer is an HTML page with this HTTP status: "+pageStatuses,
			func(f *Faults, status int) { f.RefuseThen = RefuseThenHTML(status) }),
		acceptThenFate(AcceptThenDrop, "accepted and charged, then the connection is closed without an answer"),
		acceptThenFate(AcceptThen500, "accepted and charged, then HTTP 500"),
		acceptThenFate(AcceptThen502, "accepted and charged, then HTTP 502 with an HTML page"),
		pageFate("accept-then", "accepted and charged, then an HTML page with this HTTP status: "+pageStatuses,
			func(f *Faults, status int) { f.AcceptThen = AcceptThenHTML(status) }),
		acceptThenFate(AcceptThen1010, "accepted and charged, then the gateway's bare HTTP 403, not JSON"),
		acceptThenFate(AcceptThenCode500, "accepted and charged, then HTTP 200 with code 500"),
		acceptThenFate(AcceptThenGarbage, "accepted and charged, then HTTP 200 that is not JSON"),
		acceptThenFate(AcceptThenNoTaskID, "accepted and charged, then code 200 without a task id"),
		acceptThenFate(AcceptThenHang, "accepted and charged, then no answer until the client gives up"),
	}
)

// What becomes of what was accepted.
var (
	timeFates = []Fate{
		durationFate("latency", "", "finishes this long after it was accepted", func(f *Faults, d time.Duration) {
			f.Latency = cmp.Or(d, Immediately)
		}),
		literalFate("never-finish", "", "stays running for ever", func(f *Faults) { f.NeverFinish = true }),
	}
	failureFates = []Fate{
		failureFate(400, "accepted, then fails: content policy"),
		failureFate(422, "accepted, then fails: rejected, other channels may help"),
		failureFate(500, "accepted, then fails: internal error or timeout"),
		failureFate(501, "accepted, then fails: generation failed"),
		fallbackFate(FallbackUsed, "the content is refused and the fallback model makes the video (fails with 400 without enableFallback)"),
		fallbackFate(FallbackFailed, "the content is refused and the fallback model fails with 422 (400 without enableFallback)"),
	}
	resultFates = slices.Concat([]Fate{
		deliverFate(resolution720p, "the video is 720p, whatever was asked and paid for"),
		deliverFate(resolution1080p, "the video is 1080p, whatever was asked and paid for"),
		deliverFate(resolution4K, "the video is 4K, whatever was asked and paid for"),
		deliverSecondsFate(4), deliverSecondsFate(6), deliverSecondsFate(8), deliverSecondsFate(15),
		literalFate("audio", "false", "record-info says that the video has no sound", func(f *Faults) { f.NoAudio = true }),
		seedFate,
		extendURLsFate(ExtendURLsBoth, "an extension has resultUrls and fullResultUrls (the default)"),
		extendURLsFate(ExtendURLsFull, "an extension has only fullResultUrls"),
		extendURLsFate(ExtendURLsResult, "an extension has only resultUrls"),
	}, fileFates)
)

// callbackFates say how the callback tells of the end.
var callbackFates = []Fate{
	literalFate("callback", "never", "no callback", func(f *Faults) { f.NoCallback = true }),
	literalFate("callback", "early", "callback before the submission is answered; the task has finished by then unless latency is set",
		func(f *Faults) { f.EarlyCallback = true }),
	durationFate("callback", "late=", "callback this long after the task finished",
		func(f *Faults, d time.Duration) { f.LateCallback = d }),
	literalFate("callback", "twice", "callback again after it was acknowledged", func(f *Faults) { f.TwiceCallback = true }),
	lieFate(LieForged, "callback claims success with foreign URLs under the right signature"),
	lieFate(LieForgedFailure, "callback claims failure under the right signature"),
	lieFate(LieBadSignature, "callback signed with another key"),
	lieFate(LieUnsigned, "callback without a signature although there is a key"),
	lieFate(LieStale, "callback with a ten minutes old timestamp, rightly signed"),
	lieFate(LieWrongID, "callback signed for another task"),
	lieFate(LieMixedIDs, "callback that names the signed task in one place and another in another"),
	lieFate(LieOversized, "callback padded with a megabyte"),
	lieFate(LieGarbage, "callback that is not JSON"),
	callbackIDFate(CallbackIDTaskID, "callback carries the id as data.taskId (the default)"),
	callbackIDFate(CallbackIDSnake, "callback carries the id as data.task_id"),
	callbackIDFate(CallbackIDTop, "callback carries the id as taskId beside code"),
	callbackIDFate(CallbackIDBoth, "callback carries the id as data.taskId and as data.task_id"),
}

// In which form it is told.
var (
	formFates = slices.Concat([]Fate{
		literalFate("prompt-json", "malformed", "promptJson in the callback is not valid JSON",
			func(f *Faults) { f.MalformedPromptJSON = true }),
		literalFate("credits-consumed", "shown", "record-info and the callback have creditsConsumed",
			func(f *Faults) { f.ShowCredits = true }),
		consumedFate("record-info and the callback have this number as creditsConsumed, whatever was paid"),
		literalFate("full-result-urls", "absent", "fullResultUrls is left out where it is null, as before April 2026",
			func(f *Faults) { f.NoFullResultURLs = true }),
	}, urlsFates)
	urlsFates = []Fate{
		urlsFate(URLsArray, "lists of URLs are arrays (the default)"),
		urlsFate(URLsJSON, "lists of URLs are strings that hold a JSON array"),
		urlsFate(URLsBrackets, "lists of URLs are strings like [a,b] without quotes"),
	}
)

func literalFate(key, value, help string, set func(*Faults)) Fate {
	return Fate{Key: key, Value: value, Help: help, set: func(f *Faults, _ string) error {
		set(f)
		return nil
	}}
}

func durationFate(key, prefix, help string, set func(*Faults, time.Duration)) Fate {
	return Fate{Key: key, Value: prefix + placeholderDuration, Help: help, set: func(f *Faults, text string) error {
		d, err := parseDuration(text)
		if err != nil {
			return err
		}
		set(f, d)
		return nil
	}}
}

func refusalFate(code int, help string) Fate {
	return literalFate("submit", strconv.Itoa(code), help, func(f *Faults) { f.Submit = code })
}

func refuseThenFate(then RefuseThen, help string) Fate {
	return literalFate("refuse-then", string(then), help, func(f *Faults) { f.RefuseThen = then })
}

func acceptThenFate(then AcceptThen, help string) Fate {
	return literalFate("accept-then", string(then), help, func(f *Faults) { f.AcceptThen = then })
}

// pageFate takes the HTTP status of an HTML page.
func pageFate(key, help string, set func(*Faults, int)) Fate {
	return Fate{Key: key, Value: htmlPrefix + placeholderCode, Help: help, set: func(f *Faults, text string) error {
		status, err := parsePageStatus(text)
		if err != nil {
			return err
		}
		set(f, status)
		return nil
	}}
}

func failureFate(code int, help string) Fate {
	return literalFate("fail", strconv.Itoa(code), help, func(f *Faults) { f.Fail = code })
}

func fallbackFate(fallback Fallback, help string) Fate {
	return literalFate("fallback", string(fallback), help, func(f *Faults) { f.Fallback = fallback })
}

func lieFate(lie Lie, help string) Fate {
	return literalFate("callback", string(lie), help, func(f *Faults) { f.Lie = lie })
}

func callbackIDFate(id CallbackID, help string) Fate {
	return literalFate("callback-id", string(id), help, func(f *Faults) { f.CallbackID = id })
}

func urlsFate(shape URLShape, help string) Fate {
	return literalFate("urls", string(shape), help, func(f *Faults) { f.URLs = shape })
}

func deliverFate(resolution, help string) Fate {
	return literalFate("deliver", resolution, help, func(f *Faults) { f.Deliver = resolution })
}

func deliverSecondsFate(seconds int) Fate {
	return literalFate("deliver-seconds", strconv.Itoa(seconds), "the video has this length, whatever was asked for",
		func(f *Faults) { f.DeliverSeconds = seconds })
}

// seedFate takes any whole number but zero, also one that KIE would not draw.
var seedFate = Fate{Key: "seed", Value: placeholderNumber, Help: "record-info tells this seed, whatever was asked for",
	set: func(f *Faults, text string) error {
		seed, err := strconv.Atoi(text)
		if err != nil || seed == 0 {
			return fmt.Errorf("%q is not a whole number other than 0", text)
		}
		f.Seed = seed
		return nil
	}}

// consumedFate takes any number, also one that nobody can pay.
func consumedFate(help string) Fate {
	return Fate{Key: "credits-consumed", Value: placeholderNumber, Help: help, set: func(f *Faults, text string) error {
		var number json.Number
		if err := json.Unmarshal([]byte(text), &number); err != nil || number.String() != text {
			return fmt.Errorf("%q is not a number as JSON has them", text)
		}
		f.CreditsConsumed = number
		return nil
	}}
}

func extendURLsFate(urls ExtendURLs, help string) Fate {
	return literalFate("extend-urls", string(urls), help, func(f *Faults) { f.ExtendURLs = urls })
}
