// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"cmp"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/url"
	"time"
)

// Options say how a Simulator behaves. The zero value is useful: it is a fast
// KIE that accepts any API key and signs nothing.
type Options struct {
	// APIKey is the bearer token that requests must carry. Empty accepts any
	// request.
	APIKey string
	// WebhookHMACKey signs the callbacks. Empty leaves them unsigned, as KIE does
	// while no key was created in its settings.
	WebhookHMACKey string

	// Latency is the time from the acceptance of a task until it finishes. Zero
	// means 5 seconds, Immediately means none.
	Latency time.Duration
	// UpgradeLatency is the time from the first request for a 1080p or 4K upgrade
	// until it finishes. Zero means Latency, Immediately means none.
	UpgradeLatency time.Duration
	// Now tells the time. Nil means time.Now.
	Now func() time.Time

	// Credits is the balance at the start. Zero means 10000; call SetCredits for
	// an empty account.
	Credits float64
	// Prices are the credits that things cost. What is not in it keeps its price
	// of DefaultPrices.
	Prices Prices

	// RateLimit is the number of submissions let through in any RateWindow; the
	// others are answered with code 429 and never queued. Zero means 20, a
	// negative number means no limit.
	RateLimit int
	// RateWindow is the length of the sliding window. Zero means 10 seconds.
	RateWindow time.Duration

	// HTTPStatusMode says which errors are HTTP errors too. Empty means
	// HTTPStatusBody.
	HTTPStatusMode HTTPStatusMode
	// UnknownRecord is the answer of record-info about a task that it does not
	// know, and of extend and the upgrades where it says so. Empty means
	// UnknownRecordCode422.
	UnknownRecord UnknownRecord
	// HighResolution is what becomes of a generation at 1080p or 4k. Empty means
	// HighResolutionDirect.
	HighResolution HighResolution

	// UploadRetention is how long an uploaded file is kept. Zero means 24 hours.
	UploadRetention time.Duration
	// UploadFault is how every upload fails. Empty means UploadFaultNone.
	UploadFault UploadFault

	// Outages are when something in front of KIE answers in its place.
	Outages Outages

	// CallbackTimeout is how long a receiver may take to answer. Zero means
	// 15 seconds, as KIE documents.
	CallbackTimeout time.Duration
	// CallbackRetries is the number of tries after the first one. Zero means 3,
	// a negative number means none.
	CallbackRetries int
	// CallbackBackoff is the time between two tries. Zero means 10 seconds; KIE
	// does not document its own.
	CallbackBackoff time.Duration

	// PublicURL is where clients reach this simulator, for the URLs of videos and
	// uploads. Empty takes the Host that the submission or upload was sent to.
	PublicURL string
	// HTTPClient sends the callbacks. Nil means one that does not follow redirects.
	HTTPClient *http.Client
	// Logger hears of tasks and callbacks, never of bodies, callback paths or
	// keys. Nil means silence.
	Logger *slog.Logger

	// Faults is the fate of every task and of its upgrades, where the prompt of
	// the task does not choose another.
	Faults Faults
}

// Immediately is a latency of no time at all, where zero means the default.
const Immediately = time.Duration(-1)

// HTTPStatusMode says which of the errors that KIE reports in the body's code
// become the HTTP status as well.
type HTTPStatusMode string

const (
	// HTTPStatusBody answers HTTP 200 and puts the code in the body only. KIE has
	// been seen to do this.
	HTTPStatusBody HTTPStatusMode = "body"
	// HTTPStatusReal makes every code the HTTP status.
	HTTPStatusReal HTTPStatusMode = "real"
	// HTTPStatusMixed makes 401, 404, 429 and the codes from 500 the HTTP status,
	// as a gateway in front of KIE would, and leaves the others in the body.
	HTTPStatusMixed HTTPStatusMode = "mixed"
)

// UnknownRecord is how record-info answers about an unknown task. KIE was seen
// to use the first two on other endpoints of the same kind.
type UnknownRecord string

const (
	// UnknownRecordCode422 answers code 422 "recordInfo is null".
	UnknownRecordCode422 UnknownRecord = "422"
	// UnknownRecordNull answers code 200 with data null.
	UnknownRecordNull UnknownRecord = "null"
	// UnknownRecordCode404 answers code 404.
	UnknownRecordCode404 UnknownRecord = "404"
	// UnknownRecordIsNull answers code 422 "record is null".
	UnknownRecordIsNull UnknownRecord = "record-is-null"
	// UnknownRecordNotExist answers code 422 "Record does not exist", from extend and
	// the upgrades too.
	UnknownRecordNotExist UnknownRecord = "does-not-exist"
)

// reply returns the answer.
func (u UnknownRecord) reply() Reply {
	switch u {
	case UnknownRecordNull:
		return ReplyDataNull
	case UnknownRecordCode404:
		return Reply404
	case UnknownRecordIsNull:
		return ReplyRecordNull
	case UnknownRecordNotExist:
		return ReplyNotExist
	default:
		return ReplyRecordInfoNull
	}
}

// HighResolution is what a generation makes of a resolution above 720p. KIE's
// documentation can be read either way.
type HighResolution string

const (
	// HighResolutionDirect delivers the resolution that was asked for, at the price
	// of that resolution. Meanwhile record-info shows the 720p video.
	HighResolutionDirect HighResolution = "direct"
	// HighResolution720p delivers 720p at the price of 720p; it takes an upgrade
	// to get more.
	HighResolution720p HighResolution = "720p"
)

// deliver returns the resolution of the video of a generation that asks for one.
func (h HighResolution) deliver(asked string) string {
	if h == HighResolution720p {
		return resolution720p
	}
	return cmp.Or(asked, resolution720p)
}

// Validate returns what is wrong with the options, as one sentence.
func (o Options) Validate() error {
	switch o.HTTPStatusMode {
	case "", HTTPStatusBody, HTTPStatusReal, HTTPStatusMixed:
	default:
		return fmt.Errorf("HTTP status mode %q is not known: use body, real or mixed", o.HTTPStatusMode)
	}
	switch o.UnknownRecord {
	case "", UnknownRecordCode422, UnknownRecordNull, UnknownRecordCode404, UnknownRecordIsNull, UnknownRecordNotExist:
	default:
		return fmt.Errorf("unknown-record answer %q is not known: use 422, null, 404, record-is-null or does-not-exist", o.UnknownRecord)
	}
	switch o.HighResolution {
	case "", HighResolutionDirect, HighResolution720p:
	default:
		return fmt.Errorf("high-resolution mode %q is not known: use direct or 720p", o.HighResolution)
	}
	if err := o.UploadFault.validate(); err != nil {
		return err
	}
	if err := o.Outages.validate(); err != nil {
		return err
	}
	if !isAmount(o.Credits) {
		return fmt.Errorf("credits are %v: use zero or more", o.Credits)
	}
	if err := o.Prices.validate(); err != nil {
		return err
	}
	if o.RateWindow < 0 || o.CallbackTimeout < 0 || o.CallbackBackoff < 0 {
		return fmt.Errorf("a rate window, callback timeout or callback backoff is negative: use a positive duration")
	}
	if o.UploadRetention < 0 {
		return fmt.Errorf("upload retention is %v: use a positive duration", o.UploadRetention)
	}
	if o.PublicURL != "" && !isWebURL(o.PublicURL) {
		return fmt.Errorf("public URL %q is not an absolute http or https URL", o.PublicURL)
	}
	return nil
}

// isAmount reports whether a number can be a balance or a price.
func isAmount(credits float64) bool {
	return credits >= 0 && !math.IsInf(credits, 1)
}

// isWebURL reports whether the text is an absolute http or https URL.
func isWebURL(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
}
