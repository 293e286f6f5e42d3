// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"time"

	"github.com/kie-operator/kie-operator/internal/egress"
	"github.com/kie-operator/kie-operator/internal/transfer"
)

// Bounds on the download of a video.
const (
	// maxVideoBytes is the largest video that is stored. One of 15 seconds in 4K has some hundred megabytes at most.
	maxVideoBytes = 2 << 30
	// maxDownloadTime is from the first request to the last byte.
	maxDownloadTime = 30 * time.Minute
	// maxSilence is how long a host may send nothing before it counts as broken off.
	maxSilence = 30 * time.Second
	// maxTries is how many times in a row the rest is asked for before a byte of it comes.
	maxTries = 8
	// firstPause is the pause before the rest is asked for; it doubles each time, up to maxPause.
	firstPause = 200 * time.Millisecond
	maxPause   = 5 * time.Second
)

var (
	errTooSlow = errors.New("the download takes too long")
	errSilent  = errors.New("the host sends nothing")
)

// Download is a file at a URL, read as one stream: where the host breaks off, it
// is asked for the rest. The stream ends with io.EOF only after as many bytes as
// were declared; every other error is a *StorageError. What is in the file is
// not looked at, see Checked. A Download is not safe for concurrent use.
type Download struct {
	fetcher *Fetcher
	url     *url.URL
	caller  context.Context // an io.Reader has no other way to be given one
	// whole ends with the caller, after maxDownloadTime, and at the end. attempt ends with one answer too.
	whole, attempt context.Context
	end, drop      context.CancelCauseFunc
	stopTimer      func()

	body   io.ReadCloser // nil after a break
	offset int64         // of the next byte
	tries  int           // since the last byte
	broken error         // why the last try failed
	err    error         // what every further Read returns

	// What the first answer said.
	begun          bool
	size           int64 // -1 if it is not known
	etag, modified string
}

// Download begins to download the video at a link. It returns when the headers
// of the answer are there. The error is a *StorageError if there is no answer, or it
// is not a video. The whole download is bounded by the context, by 30 minutes and by
// 2 GiB. The caller closes it.
func (f *Fetcher) Download(ctx context.Context, link string) (*Download, error) {
	u, err := parseURL(link)
	if err != nil {
		return nil, &transfer.StorageError{
			Class:   transfer.LinkRefused,
			Message: "the link to the video cannot be read: one like https://example.com/video.mp4 is needed",
			Cause:   err,
		}
	}
	d := &Download{fetcher: f, url: u, caller: ctx, size: -1}
	d.whole, d.end = context.WithCancelCause(ctx)
	d.stopTimer = f.after(maxDownloadTime, func() { d.end(errTooSlow) })
	if _, err := d.open(); err != nil {
		d.finish(err)
		return nil, err
	}
	return d, nil
}

// Size is the length of the file in bytes as its host declares it, -1 if it does
// not.
func (d *Download) Size() int64 { return d.size }

// Close ends the download. It always returns nil.
func (d *Download) Close() error {
	if d.err == nil {
		d.finish(d.failure(transfer.Interrupted, "it was closed before its end", nil))
	}
	return nil
}

// Read reads what comes next, and waits for it.
func (d *Download) Read(p []byte) (int, error) {
	for d.err == nil && len(p) > 0 {
		if d.body == nil {
			if err := d.resume(); err != nil {
				d.finish(err)
			}
			continue
		}
		if n := d.take(p); n > 0 {
			return n, nil
		}
	}
	return 0, d.err
}

// take reads from the answer. If there is no body afterwards, the host has broken
// off.
func (d *Download) take(p []byte) int {
	if d.size >= 0 {
		p = p[:min(int64(len(p)), d.size-d.offset)]
	}
	if len(p) == 0 {
		d.finish(io.EOF)
		return 0
	}
	n, err := d.readBody(p)
	d.offset += int64(n)
	if n > 0 {
		d.tries = 0
	}
	// A host may end an answer properly because it has noticed that the client is gone.
	ended := err == io.EOF //nolint:errorlint // a host that hangs up causes an error that wraps io.EOF, which is not the end
	complete := ended && (d.offset == d.size || d.size < 0 && d.attempt.Err() == nil)
	switch {
	case d.offset > d.fetcher.maxVideo:
		d.finish(d.tooLarge())
		return 0
	case complete:
		d.finish(io.EOF)
	case ended:
		d.breakOff(io.ErrUnexpectedEOF)
	case err != nil:
		d.breakOff(err)
	}
	return n
}

// readBody reads from the answer, and gives it up if nothing comes.
func (d *Download) readBody(p []byte) (int, error) {
	defer d.fetcher.after(maxSilence, d.giveUp(d.drop))()
	return d.body.Read(p)
}

func (d *Download) giveUp(drop context.CancelCauseFunc) func() {
	return func() { drop(errSilent) }
}

// breakOff closes an answer that failed, and ends the download if asking again makes
// no sense.
func (d *Download) breakOff(err error) {
	again, failure := d.judge(err)
	d.release()
	d.broken = failure
	if !again {
		d.finish(failure)
	}
}

// resume asks for the rest until an answer brings it. There is a body
// afterwards, or an error.
func (d *Download) resume() error {
	for {
		if d.tries == maxTries {
			return d.broken
		}
		d.tries++
		if err := d.fetcher.pause(d.whole, d.tries); err != nil {
			_, failure := d.judge(err)
			return failure
		}
		again, err := d.open()
		if err == nil || !again {
			return err
		}
		d.broken = err
	}
}

// release closes the answer.
func (d *Download) release() {
	if d.body != nil {
		d.body.Close()
		d.body = nil
	}
	if d.drop != nil {
		d.drop(nil)
	}
}

// finish closes everything. Every further Read returns the error.
func (d *Download) finish(err error) {
	d.err = err
	d.release()
	d.stopTimer()
	d.end(nil)
}

// judge says what an error of the network, or of a context, means, and whether
// the rest may come if it is asked for.
func (d *Download) judge(err error) (again bool, failure *transfer.StorageError) {
	words, again := noAnswer(err)
	err = withoutURL(err)
	switch {
	case errors.Is(d.caller.Err(), context.Canceled):
		return false, d.failure(transfer.Interrupted, "it was interrupted", err)
	case errors.Is(context.Cause(d.whole), errTooSlow):
		return false, d.failure(transfer.DownloadFailed, "it takes more than 30 minutes: check that its host is well", errTooSlow)
	case errors.Is(context.Cause(d.attempt), errSilent):
		return true, d.failure(transfer.DownloadFailed, "its host sends nothing for 30 seconds: check that it is well", errSilent)
	case errors.Is(err, egress.ErrPrivateAddress), errors.Is(err, egress.ErrInsecureURL), errors.Is(err, egress.ErrTooManyRedirects):
		return false, d.failure(transfer.LinkRefused, words, err)
	default:
		return again, d.failure(transfer.DownloadFailed, words, err)
	}
}

func (d *Download) failure(class transfer.Class, words string, cause error) *transfer.StorageError {
	return &transfer.StorageError{
		Class:   class,
		Message: fmt.Sprintf("the video at %s cannot be downloaded: %s", place(d.url), words),
		Cause:   cause,
	}
}

func (d *Download) tooLarge() *transfer.StorageError {
	return d.failure(transfer.TooLarge, fmt.Sprintf("it has more than %d bytes, which is the most that is stored", d.fetcher.maxVideo), nil)
}

// after calls a function when some time is over, unless it is stopped before.
func after(d time.Duration, f func()) (stop func()) {
	timer := time.AfterFunc(d, f)
	return func() { timer.Stop() }
}

// pause waits before a try, the first of which is 1, or until the context ends.
// Downloads that break at the same time do not come back at the same time.
func (f *Fetcher) pause(ctx context.Context, try int) error {
	longest := min(firstPause<<(try-1), maxPause)
	over := make(chan struct{})
	defer f.after(longest/2+rand.N(longest/2), func() { close(over) })() //nolint:gosec // nobody gains by guessing it
	select {
	case <-over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
