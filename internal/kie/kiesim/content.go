// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"slices"
)

// content is what is in a file. The first bytes are in memory, shared by all files
// that have them; the rest is noise that is made while it is read.
type content struct {
	start []byte
	// padding is the header of the box that the noise is in.
	padding []byte
	// size is how much there is in all, in bytes.
	size int64
	// version tells contents apart that are the same otherwise.
	version int64
}

// plain returns a content that is all in memory.
func plain(all []byte) content {
	return content{start: all, size: int64(len(all))}
}

// content returns the video as a file of exactly this size in bytes, which is
// either zero, for as large as it is, or minFileBytes at least. A file that is too
// small for the pictures has none.
func (c clip) content(size int64) content {
	video := c.video()
	padding := size - int64(len(video))
	if size == 0 || padding == 0 {
		return plain(video)
	}
	if padding < boxHeaderBytes {
		video = abridged(video)
		padding = size - int64(len(video))
	}
	return content{start: video, padding: boxHeader("free", padding), size: size}
}

// half returns the first half.
func (c content) half() content {
	c.size /= 2
	return c
}

// changed returns the same video with other pictures and other noise, so that no
// two versions can be put together unnoticed.
func (c content) changed(version int) content {
	c.start = slices.Clone(c.start)
	c.version = int64(version)
	from, to := boxRange(c.start, "mdat")
	for i := from + boxHeaderBytes; i < to; i++ {
		c.start[i] ^= byte(1 + version%255) //nolint:gosec // 255 at most
	}
	return c
}

// endless returns the video up to its pictures and after that a box that is too
// large for anybody.
func (c content) endless() content {
	from, _ := boxRange(c.start, "mdat")
	return content{start: c.start[:from], padding: boxHeader("mdat", endlessBytes), size: endlessBytes}
}

// endlessBytes is a size that no client ever reads to its end.
const endlessBytes = 1 << 60

// etag returns the strong entity tag.
func (c content) etag() string {
	sum := sha256.New()
	// A hash takes all that it is given.
	_, _ = sum.Write(c.start)
	_, _ = fmt.Fprintf(sum, " %d %d", c.size, c.version)
	return `"` + hex.EncodeToString(sum.Sum(nil)[:16]) + `"`
}

// reader returns all of it, from the start.
func (c content) reader() io.ReadSeeker { return io.NewSectionReader(endlessly{c}, 0, c.size) }

// endlessly is a content that goes on after its end.
type endlessly struct{ content }

// ReadAt implements io.ReaderAt. It never fails.
func (e endlessly) ReadAt(p []byte, at int64) (int, error) {
	n, end := 0, int64(0)
	for _, part := range [][]byte{e.start, e.padding} {
		if from := at + int64(n) - end; n < len(p) && from < int64(len(part)) {
			n += copy(p[n:], part[from:])
		}
		end += int64(len(part))
	}
	for n < len(p) {
		n += copy(p[n:], noise[(at+int64(n)+e.version)%int64(len(noise)):])
	}
	return n, nil
}

// noise is what padding is made of, over and over. Its length is a prime, so that
// parts of a file that are put together wrongly do not fit.
var noise = makeNoise(65521)

func makeNoise(size int) []byte {
	made := make([]byte, size)
	state := uint64(1)
	for i := range made {
		state = state*6364136223846793005 + 1442695040888963407 // Knuth's MMIX
		made[i] = byte(state >> 56)
	}
	return made
}
