// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package kiesim

import (
	"bytes"
	"encoding/binary"
	"math"
)

// boxHeaderBytes is the size of the header of a box of an MP4 file of up to 4 GiB.
const boxHeaderBytes = 8

// boxHeader returns the start of a box. The size is that of the whole box, in
// bytes.
func boxHeader(kind string, size int64) []byte {
	if size <= math.MaxUint32 {
		return append(binary.BigEndian.AppendUint32(nil, uint32(size)), kind...) //nolint:gosec // no box is smaller than its header
	}
	// A size of 1 says that the true one follows the kind.
	return binary.BigEndian.AppendUint64(append([]byte{0, 0, 0, 1}, kind...), uint64(size))
}

// box returns a whole box.
func box(kind string, parts ...[]byte) []byte {
	payload := bytes.Join(parts, nil)
	return append(boxHeader(kind, int64(boxHeaderBytes+len(payload))), payload...)
}

// table returns a box of the kind that has a version, flags and numbers.
func table(kind string, numbers ...uint32) []byte {
	payload := make([]byte, 4)
	for _, number := range numbers {
		payload = binary.BigEndian.AppendUint32(payload, number)
	}
	return box(kind, payload)
}

// boxRange returns where a box is, with its header: the first of each kind on the
// way to it. It panics if there is none; the embedded videos have all that are
// asked for.
func boxRange(file []byte, way ...string) (from, to int) {
	for depth, kind := range way {
		if depth > 0 {
			from += boxHeaderBytes
		}
		for string(file[from+4:from+8]) != kind {
			from += int(binary.BigEndian.Uint32(file[from:]))
		}
		to = from + int(binary.BigEndian.Uint32(file[from:]))
	}
	return from, to
}

// boxOf returns a box of a file, with its header.
func boxOf(file []byte, way ...string) []byte {
	from, to := boxRange(file, way...)
	return file[from:to]
}

const fillerBytes = 8

// filler is a sample that H.264 lets a decoder skip: a length and a unit without
// a picture.
var filler = [fillerBytes]byte{0, 0, 0, 4, 12, 0xff, 0xff, 0x80}

// abridged returns a complete MP4 file of less than a kilobyte that says of itself
// what the given one says, but has no sound and no picture.
func abridged(video []byte) []byte {
	track := func(way ...string) []byte { return boxOf(video, append([]string{"moov", "trak"}, way...)...) }
	samples := func(way ...string) []byte { return track(append([]string{"mdia", "minf"}, way...)...) }
	// The header of the track's media has a version, two times, the units in a
	// second and the length.
	length := binary.BigEndian.Uint32(track("mdia", "mdhd")[boxHeaderBytes+16:])
	index := func(place uint32) []byte {
		return box("moov", boxOf(video, "moov", "mvhd"), box("trak",
			track("tkhd"), box("mdia",
				track("mdia", "mdhd"), track("mdia", "hdlr"), box("minf",
					samples("vmhd"), samples("dinf"), box("stbl",
						samples("stbl", "stsd"),
						table("stts", 1, 1, length),
						table("stsc", 1, 1, 1, 1),
						table("stsz", fillerBytes, 1),
						table("stco", 1, place))))))
	}
	start := boxOf(video, "ftyp")
	place := uint32(len(start) + len(index(0)) + boxHeaderBytes) //nolint:gosec // less than a kilobyte
	return bytes.Join([][]byte{start, index(place), box("mdat", filler[:])}, nil)
}
