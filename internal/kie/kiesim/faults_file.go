// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

// FileFaults are how the video files of a task or an upgrade behave when they are
// fetched, by their own URLs and by links of download-url. In the zero value each
// is served whole, with ranges and a strong entity tag.
type FileFaults struct {
	// Bytes is the exact size of every video, 1024 or more. Zero leaves it.
	Bytes int64
	// Throttle is how many bytes per second are sent to each client, in real time.
	// Zero means no limit.
	Throttle int64
	// Cut breaks every longer answer off after this many bytes of its body. Zero
	// breaks none off.
	Cut int64
	// CutOnce does so with the first longer answer about each file only.
	CutOnce int64
	// Fault is what else is wrong with the file.
	Fault FileFault
}

// FileFault is what is wrong with a video file.
type FileFault string

const (
	// FileTruncated ends after half of the file and says so.
	FileTruncated FileFault = "truncated"
	// FileShort has only half of the bytes that it declares: an answer breaks off
	// there, wherever it begins.
	FileShort FileFault = "short"
	// FileHTML is a page with HTTP 200.
	FileHTML FileFault = "html"
	// FileHTMLAsMP4 is a page that is declared as a video.
	FileHTMLAsMP4 FileFault = "html-as-mp4"
	// FileEmpty has no bytes.
	FileEmpty FileFault = "empty"
	// FileEndless begins as the video and has neither a declared size nor an end.
	FileEndless FileFault = "endless"
	// FileLate answers HTTP 404 to the first two requests.
	FileLate FileFault = "late"
	// FileGone answers HTTP 404, also to links of download-url.
	FileGone FileFault = "gone"
	// FileGoneURL answers HTTP 404, but not to links of download-url.
	FileGoneURL FileFault = "gone-url"
	// FileForbidden answers HTTP 403.
	FileForbidden FileFault = "forbidden"
	// FileBusy answers HTTP 503.
	FileBusy FileFault = "busy"
	// FileBusyOnce answers HTTP 503 to the first request.
	FileBusyOnce FileFault = "busy-once"
	// FileNoRanges is sent whole whatever is asked for, without a validator.
	FileNoRanges FileFault = "no-ranges"
	// FileChanging has another content and entity tag for every request.
	FileChanging FileFault = "changing"
	// FileRedirect redirects to another path of the simulator, where the file is.
	FileRedirect FileFault = "redirect"
	// FileRedirectPrivate redirects to an address of the client's own machine.
	FileRedirectPrivate FileFault = "redirect-private"
	// FileRedirectMetadata redirects to the address where clouds tell their secrets.
	FileRedirectMetadata FileFault = "redirect-metadata"
)
