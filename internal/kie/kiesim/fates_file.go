// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"fmt"
	"strconv"
	"time"
)

// minFileBytes is the smallest size of a video that can be chosen.
const minFileBytes = 1024

// fileFates say how the videos behave when they are fetched.
var fileFates = []Fate{
	durationFate("link-for", "", "the video's plain URL is gone this long after it was made, links of download-url are not",
		func(f *Faults, d time.Duration) { f.LinkFor = max(d, time.Nanosecond) }),
	bytesFate("bytes", minFileBytes, "the video has exactly this many bytes, 1024 at least",
		func(f *FileFaults, bytes int64) { f.Bytes = bytes }),
	bytesFate("throttle", 1, "the video is sent at about this many bytes per second",
		func(f *FileFaults, bytes int64) { f.Throttle = bytes }),
	bytesFate("cut", 1, "every answer breaks off after this many bytes of the video, also one about a range",
		func(f *FileFaults, bytes int64) { f.Cut = bytes }),
	bytesFate("cut-once", 1, "the first answer with more than this many bytes of the video breaks off there",
		func(f *FileFaults, bytes int64) { f.CutOnce = bytes }),
	fileFate(FileTruncated, "the video ends in the middle, and so does its declared size"),
	fileFate(FileShort, "the video never gets beyond its middle, though more is declared"),
	fileFate(FileHTML, "instead of the video comes a page with HTTP 200"),
	fileFate(FileHTMLAsMP4, "instead of the video comes a page with HTTP 200, declared as video/mp4"),
	fileFate(FileEmpty, "the video has no bytes"),
	fileFate(FileEndless, "the video begins well, declares no size and never ends"),
	fileFate(FileLate, "the video is HTTP 404 twice, then there"),
	fileFate(FileGone, "the video is HTTP 404, also by links of download-url"),
	fileFate(FileGoneURL, "the video is HTTP 404, but not by links of download-url"),
	fileFate(FileForbidden, "the video is HTTP 403"),
	fileFate(FileBusy, "the video is HTTP 503"),
	fileFate(FileBusyOnce, "the video is HTTP 503 once, then there"),
	fileFate(FileNoRanges, "the video is sent whole whatever range is asked for, without ETag and Last-Modified"),
	fileFate(FileChanging, "the video is another one, with another ETag, every time"),
	fileFate(FileRedirect, "the video is redirected to another path of the simulator"),
	fileFate(FileRedirectPrivate, "the video is redirected to "+privateURL),
	fileFate(FileRedirectMetadata, "the video is redirected to "+metadataURL),
}

func fileFate(fault FileFault, help string) Fate {
	return literalFate("file", string(fault), help, func(f *Faults) { f.File.Fault = fault })
}

// bytesFate takes a number of bytes from the least on.
func bytesFate(key string, least int64, help string, set func(*FileFaults, int64)) Fate {
	return Fate{Key: key, Value: placeholderBytes, Help: help, set: func(f *Faults, text string) error {
		bytes, err := strconv.ParseInt(text, 10, 64)
		if err != nil || bytes < least {
			return fmt.Errorf("%q is not a number of bytes from %d on", text, least)
		}
		set(&f.File, bytes)
		return nil
	}}
}
