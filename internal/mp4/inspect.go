// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/abema/go-mp4"

	"github.com/kie-operator/kie-operator/internal/transfer"
)

// MaxIndexBytes is the largest index that is accepted, and held in memory. That
// of a video of a minute has some hundred kilobytes.
const MaxIndexBytes = 4 << 20

// An Inspector is written a file, in pieces of any size, and finds out whether it
// is a complete MP4 video: boxes without gaps from the first byte to the last,
// with an index that describes pictures, and all the samples that the index
// counts. It holds the index and nothing else.
type Inspector struct {
	// Place is where the file comes from, for messages.
	Place string

	offset int64 // of the next byte
	head   [mp4.LargeHeaderSize]byte
	headed int // bytes of head that are there

	kind    mp4.BoxType // of the box around the next byte
	left    int64       // bytes of it that are not there yet
	endless bool        // it goes to the end of the file

	Index   []byte // moov, nil before it
	indexed bool   // all of it is there
	facts   VideoFacts
	// media and fragments count mdat and moof. open means that a fragment has no media yet.
	media, fragments int
	open             bool

	err error // *StorageError
}

// Write takes the next piece. The error is a *StorageError as soon as the file
// cannot become a complete video any more, and remains.
func (i *Inspector) Write(p []byte) (int, error) {
	written := 0
	for i.err == nil && written < len(p) {
		n := i.take(p[written:])
		written += n
		i.offset += int64(n)
	}
	return written, i.err
}

// Finish says after the last piece what the video says of itself, or with a
// *StorageError that it is not complete.
func (i *Inspector) Finish() (VideoFacts, error) {
	if i.err == nil && i.endless {
		i.leave()
	}
	switch {
	case i.err != nil:
	case i.offset == 0:
		i.refuse("it is empty")
	case i.headed > 0 || i.left > 0 || i.open:
		i.refuse("it ends in the middle")
	case !i.indexed:
		i.refuse("it has no index")
	case i.media == 0:
		i.refuse("it has an index, and nothing else")
	default:
		if some, all := samplesWithin(i.Index, i.offset); !all || !some && i.fragments == 0 {
			i.refuse("a part of it is missing")
		}
	}
	if i.err != nil {
		return VideoFacts{}, i.err
	}
	return i.facts, nil
}

func (i *Inspector) refuse(words string) {
	i.err = &transfer.StorageError{
		Class:   transfer.NotVideo,
		Message: fmt.Sprintf("what is at %s is no complete MP4 video: %s: open the link to see what is there", i.Place, words),
		Cause:   ErrNotVideo,
	}
}

// take takes as much as belongs together, and returns how much that is.
func (i *Inspector) take(p []byte) int {
	if i.left == 0 && !i.endless {
		return i.takeHead(p)
	}
	if !i.endless {
		p = p[:min(int64(len(p)), i.left)]
		i.left -= int64(len(p))
	}
	if i.kind == mp4.BoxTypeMoov() {
		if len(i.Index)+len(p) > MaxIndexBytes {
			i.refuse("its index is too large")
			return 0
		}
		i.Index = append(i.Index, p...)
	}
	if i.left == 0 && !i.endless {
		i.leave()
	}
	return len(p)
}

// takeHead takes bytes of the start of a box.
func (i *Inspector) takeHead(p []byte) int {
	want := mp4.SmallHeaderSize
	if i.headed >= mp4.SmallHeaderSize {
		want = mp4.LargeHeaderSize
	}
	n := copy(i.head[i.headed:want], p)
	i.headed += n
	if i.headed < want {
		return n
	}
	i.kind = mp4.BoxType(i.head[4:8])
	size := uint64(binary.BigEndian.Uint32(i.head[:]))
	first := i.offset+int64(n) == int64(i.headed)
	switch {
	case first && i.kind != mp4.BoxTypeFtyp():
		i.refuse("it begins like something else")
	case i.headed == mp4.LargeHeaderSize:
		i.enter(binary.BigEndian.Uint64(i.head[mp4.SmallHeaderSize:]), mp4.LargeHeaderSize)
	case size == 0:
		i.endless = true
		i.enter(mp4.SmallHeaderSize, mp4.SmallHeaderSize)
	case size != 1: // with 1, the size has 64 bits, after the type
		i.enter(size, mp4.SmallHeaderSize)
	}
	return n
}

// enter begins a box of a size, header and all.
func (i *Inspector) enter(size, header uint64) {
	if size < header || size > math.MaxInt64 {
		i.refuse("a part of it has an impossible size")
		return
	}
	i.headed = 0
	i.left = int64(size - header)
	switch i.kind {
	case mp4.BoxTypeMoov():
		if i.Index != nil {
			i.refuse("it has two indexes")
			return
		}
		i.Index = []byte{}
		if i.left > MaxIndexBytes {
			i.refuse("its index is too large")
			return
		}
	case mp4.BoxTypeMdat():
		i.media++
		i.open = false
	case mp4.BoxTypeMoof():
		i.fragments++
		i.open = true
	}
	if i.left == 0 && !i.endless {
		i.leave()
	}
}

// leave ends a box.
func (i *Inspector) leave() {
	if i.kind != mp4.BoxTypeMoov() {
		return
	}
	i.indexed = true
	p := &prober{r: bytes.NewReader(i.Index)}
	err := p.index(contentOf(i.Index))
	if err == nil {
		i.facts, err = p.result()
	}
	if err != nil {
		i.refuse("its index describes no video")
	}
}

// contentOf is a box that holds some bytes.
func contentOf(content []byte) *mp4.BoxInfo { return &mp4.BoxInfo{Size: uint64(len(content))} }
