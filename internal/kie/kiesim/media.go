// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"embed"
	"fmt"
)

//go:generate media/generate.sh

//go:embed media/*.mp4 media/*.jpg
var mediaFiles embed.FS

// media are the contents of mediaFiles by name, which all files share.
var media = readMedia()

func readMedia() map[string][]byte {
	entries, err := mediaFiles.ReadDir("media")
	if err != nil {
		panic(err) // the files are part of the program
	}
	contents := make(map[string][]byte)
	for _, entry := range entries {
		content, err := mediaFiles.ReadFile("media/" + entry.Name())
		if err != nil {
			panic(err)
		}
		contents[entry.Name()] = content
	}
	return contents
}

// filmSeconds is the length of the whole film after an extension, however long
// the original was. KIE does not document how long an extension is.
const filmSeconds = 15

// clip names one of the embedded videos by its length, resolution and orientation.
// There is one for 4, 6, 8 and 15 seconds in each resolution, upright and not.
type clip struct {
	resolution string
	upright    bool
	seconds    int
}

// video returns the MP4 file.
func (c clip) video() []byte {
	return media[fmt.Sprintf("%s-%s-%ds.mp4", c.resolution, c.orientation(), c.seconds)]
}

// picture returns a JPEG file that goes with it.
func (c clip) picture() []byte { return media[c.orientation()+".jpg"] }

func (c clip) orientation() string {
	if c.upright {
		return "portrait"
	}
	return "landscape"
}

// at returns the same clip in another resolution.
func (c clip) at(resolution string) clip {
	c.resolution = resolution
	return c
}

// lasting returns the same clip in another length.
func (c clip) lasting(seconds int) clip {
	c.seconds = seconds
	return c
}
