// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"bytes"
	"encoding/binary"

	"github.com/abema/go-mp4"
)

// samplesWithin says whether the index of a file has any samples, such as
// pictures, and whether all of them lie within the length of the file in bytes.
// It takes the content of moov. Samples in fragments are in no index.
func samplesWithin(moov []byte, length int64) (some, all bool) {
	p := &prober{r: bytes.NewReader(moov)}
	err := p.inside(contentOf(moov), func(box *mp4.BoxInfo) error {
		if box.Type != mp4.BoxTypeTrak() {
			return nil
		}
		var t tables
		if err := p.tables(box, moov, &t); err != nil {
			return err
		}
		if !t.within(uint64(max(length, 0))) {
			return ErrNotVideo
		}
		some = some || len(t.chunks) > 0
		return nil
	})
	return some, err == nil
}

// tables say where the samples of a track lie. Samples that follow each other in
// the file make a chunk, and chunks that have as many samples each make a run.
type tables struct {
	fixed  uint64 // the size of every sample in bytes, 0 if each has its own
	count  uint64 // of samples
	sizes  []byte // of samples, 4 bytes each
	chunks []byte // the offsets of chunks, of a width each
	width  uint64
	runs   []byte // 12 bytes each: the first chunk, the samples in a chunk, and a number that does not matter
}

// tables reads the tables in a box, or in those inside of it. The content is that
// of the whole index.
func (p *prober) tables(box *mp4.BoxInfo, content []byte, t *tables) error {
	return p.inside(box, func(box *mp4.BoxInfo) error {
		payload := content[box.Offset+box.HeaderSize : box.Offset+box.Size]
		ok := true
		switch box.Type {
		case mp4.BoxTypeMdia(), mp4.BoxTypeMinf(), mp4.BoxTypeStbl():
			return p.tables(box, content, t)
		case mp4.BoxTypeStsz():
			ok = t.readSizes(payload)
		case mp4.BoxTypeStco():
			t.width = 4
			t.chunks, ok = entries(payload, 4, t.width)
		case mp4.BoxTypeCo64():
			t.width = 8
			t.chunks, ok = entries(payload, 4, t.width)
		case mp4.BoxTypeStsc():
			t.runs, ok = entries(payload, 4, 12)
		}
		if !ok {
			return ErrNotVideo
		}
		return nil
	})
}

func (t *tables) readSizes(payload []byte) (ok bool) {
	if len(payload) < 12 {
		return false
	}
	t.fixed = uint64(binary.BigEndian.Uint32(payload[4:]))
	t.count = uint64(binary.BigEndian.Uint32(payload[8:]))
	if t.fixed == 0 {
		t.sizes, ok = entries(payload, 8, 4)
		return ok
	}
	return true
}

// entries is what follows the number of entries at some place, if all of it is
// there.
func entries(payload []byte, place int, width uint64) (table []byte, ok bool) {
	if len(payload) < place+4 {
		return nil, false
	}
	table = payload[place+4:]
	count := uint64(binary.BigEndian.Uint32(payload[place:]))
	if count*width > uint64(len(table)) {
		return nil, false
	}
	return table[:count*width], true
}

// within says whether all samples lie in a file of some length.
func (t *tables) within(length uint64) bool {
	var samples, perChunk uint64
	runs := t.runs
	for chunk, rest := uint64(1), t.chunks; len(rest) > 0; chunk, rest = chunk+1, rest[t.width:] {
		for len(runs) > 0 && uint64(binary.BigEndian.Uint32(runs)) <= chunk {
			perChunk = uint64(binary.BigEndian.Uint32(runs[4:]))
			runs = runs[12:]
		}
		offset := uint64(binary.BigEndian.Uint32(rest))
		if t.width == 8 {
			offset = binary.BigEndian.Uint64(rest)
		}
		n := min(perChunk, t.count-samples)
		size := t.sizeOf(samples, n)
		if offset > length || size > length-offset {
			return false
		}
		samples += n
	}
	return true
}

// sizeOf is how many bytes some samples have, from a first one on.
func (t *tables) sizeOf(first, n uint64) uint64 {
	if t.fixed > 0 {
		return t.fixed * n // each has 32 bits
	}
	var size uint64
	for sizes := t.sizes[first*4 : (first+n)*4]; len(sizes) > 0; sizes = sizes[4:] {
		size += uint64(binary.BigEndian.Uint32(sizes))
	}
	return size
}
