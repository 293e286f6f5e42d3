// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package mp4

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"time"

	"github.com/abema/go-mp4"
)

// ErrNotVideo means that a file was read and is no MP4 video, or is a broken
// one. Reading it again does not help.
var ErrNotVideo = errors.New("the file is not a complete MP4 video")

// VideoFacts is what the file of a video says about it.
type VideoFacts struct {
	// Width and Height are those of the picture, in pixels.
	Width, Height int
	// Duration is 0 where the file does not say.
	Duration time.Duration
	// Audio means that there is a track for sound; it may be silent.
	Audio bool
}

// ProbeTimeout bounds a look at a video, redirects and all.
const ProbeTimeout = time.Minute

// Bounds on an index. That of a video of a minute has less than a hundred boxes
// per track, and the boxes that are read have about a hundred bytes.
const (
	MaxBoxes        = 4096
	MaxPayloadBytes = 4 << 10
	MaxDuration     = 24 * time.Hour
)

// A prober reads the few boxes that matter. The sizes in a hostile file can be
// anything, so each is compared with where the box is before anything is read,
// and only then does the box go to a decoder.
type prober struct {
	r     io.ReadSeeker
	boxes int

	scale    uint32 // of the duration, 0 without mvhd
	duration uint64
	facts    VideoFacts
}

// track is what is read of one.
type track struct {
	width, height uint32 // 16.16 fixed point
	handler       [4]byte
}

// errEnough ends a walk before its end.
var errEnough = errors.New("enough was read")

// Probe reads the facts of a video. It stops at the end of the index.
func Probe(r io.ReadSeeker) (VideoFacts, error) {
	p := &prober{r: r}
	first := true
	err := p.walk(0, math.MaxInt64, func(box *mp4.BoxInfo) error {
		if first && box.Type != mp4.BoxTypeFtyp() {
			return ErrNotVideo
		}
		first = false
		if box.Type != mp4.BoxTypeMoov() {
			return nil
		}
		if err := p.index(box); err != nil {
			return err
		}
		return errEnough
	})
	switch {
	case errors.Is(err, errEnough):
		return p.result()
	case err != nil:
		return VideoFacts{}, err
	default:
		return VideoFacts{}, ErrNotVideo // no index
	}
}

// walk visits the boxes from start to end, or to the end of the file.
func (p *prober) walk(start, end int64, visit func(box *mp4.BoxInfo) error) error {
	for end-start >= mp4.SmallHeaderSize {
		if p.boxes++; p.boxes > MaxBoxes {
			return ErrNotVideo
		}
		box, err := p.header(start)
		switch {
		case errors.Is(err, io.EOF) && end == math.MaxInt64:
			return nil
		case errors.Is(err, io.EOF), err == nil && (box.Size < box.HeaderSize || box.Size > uint64(end-start)): //nolint:gosec // the loop holds end above start
			return ErrNotVideo
		case err != nil:
			return err
		}
		if err := visit(box); err != nil {
			return err
		}
		start += int64(box.Size) //nolint:gosec // it was compared with an int64 above
	}
	return nil
}

// header reads the start of a box. The error is io.EOF if there is none, or only a
// part of one.
func (p *prober) header(start int64) (*mp4.BoxInfo, error) {
	if _, err := p.r.Seek(start, io.SeekStart); err != nil {
		return nil, err
	}
	var text [mp4.LargeHeaderSize]byte
	if err := p.fill(text[:mp4.SmallHeaderSize]); err != nil {
		return nil, err
	}
	box := &mp4.BoxInfo{
		Offset:     uint64(start), //nolint:gosec // no file begins before its start
		Size:       uint64(binary.BigEndian.Uint32(text[:])),
		HeaderSize: mp4.SmallHeaderSize,
		Type:       mp4.BoxType(text[4:8]),
	}
	switch box.Size {
	case 0: // it goes to the end of the file
		end, err := p.r.Seek(0, io.SeekEnd)
		if err != nil {
			return nil, err
		}
		box.Size = uint64(end - start) //nolint:gosec // if the end is before the start, no box is that large
	case 1: // the size has 64 bits, after the type
		if err := p.fill(text[mp4.SmallHeaderSize:]); err != nil {
			return nil, err
		}
		box.Size = binary.BigEndian.Uint64(text[mp4.SmallHeaderSize:])
		box.HeaderSize = mp4.LargeHeaderSize
	}
	return box, nil
}

// fill reads as much as there is room for, io.EOF where there is less.
func (p *prober) fill(room []byte) error {
	_, err := io.ReadFull(p.r, room)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF
	}
	return err
}

// inside visits the boxes in a box.
func (p *prober) inside(box *mp4.BoxInfo, visit func(box *mp4.BoxInfo) error) error {
	return p.walk(int64(box.Offset+box.HeaderSize), int64(box.Offset+box.Size), visit) //nolint:gosec // walk has compared them with an int64
}

// read decodes a box that has no boxes in it.
func (p *prober) read(box *mp4.BoxInfo, into mp4.IBox) error {
	size := box.Size - box.HeaderSize
	if size > MaxPayloadBytes {
		return ErrNotVideo
	}
	if _, err := box.SeekToPayload(p.r); err != nil {
		return err
	}
	payload := make([]byte, size)
	if err := p.fill(payload); errors.Is(err, io.EOF) {
		return ErrNotVideo
	} else if err != nil {
		return err
	}
	if _, err := mp4.Unmarshal(bytes.NewReader(payload), size, into, mp4.Context{}); err != nil {
		return ErrNotVideo
	}
	return nil
}

// index reads moov: how long it is, and the tracks.
func (p *prober) index(moov *mp4.BoxInfo) error {
	return p.inside(moov, func(box *mp4.BoxInfo) error {
		switch box.Type {
		case mp4.BoxTypeMvhd():
			var mvhd mp4.Mvhd
			if err := p.read(box, &mvhd); err != nil {
				return err
			}
			p.scale, p.duration = mvhd.Timescale, known(mvhd.GetVersion(), mvhd.GetDuration())
		case mp4.BoxTypeMvex():
			return p.inside(box, p.fragments)
		case mp4.BoxTypeTrak():
			return p.track(box)
		}
		return nil
	})
}

// fragments reads how long a video is that lies in fragments, whose mvhd says 0.
func (p *prober) fragments(box *mp4.BoxInfo) error {
	if box.Type != mp4.BoxTypeMehd() {
		return nil
	}
	var mehd mp4.Mehd
	if err := p.read(box, &mehd); err != nil {
		return err
	}
	if p.duration == 0 {
		p.duration = known(mehd.GetVersion(), mehd.GetFragmentDuration())
	}
	return nil
}

// track reads trak: the size of the picture, and what kind of track it is.
func (p *prober) track(trak *mp4.BoxInfo) error {
	var t track
	err := p.inside(trak, func(box *mp4.BoxInfo) error {
		switch box.Type {
		case mp4.BoxTypeTkhd():
			var tkhd mp4.Tkhd
			if err := p.read(box, &tkhd); err != nil {
				return err
			}
			t.width, t.height = tkhd.Width, tkhd.Height
		case mp4.BoxTypeMdia():
			return p.inside(box, func(box *mp4.BoxInfo) error {
				if box.Type != mp4.BoxTypeHdlr() {
					return nil
				}
				var hdlr mp4.Hdlr
				if err := p.read(box, &hdlr); err != nil {
					return err
				}
				t.handler = hdlr.HandlerType
				return nil
			})
		}
		return nil
	})
	if err != nil {
		return err
	}
	switch string(t.handler[:]) {
	case "soun":
		p.facts.Audio = true
	case "vide":
		if p.facts.Width == 0 { // the first one is the film, others are previews
			p.facts.Width, p.facts.Height = int(t.width>>16), int(t.height>>16)
		}
	}
	return nil
}

// result is what was read, if it is that of a video.
func (p *prober) result() (VideoFacts, error) {
	if p.scale == 0 || p.facts.Width == 0 || p.facts.Height == 0 {
		return VideoFacts{}, ErrNotVideo
	}
	seconds, rest := p.duration/uint64(p.scale), p.duration%uint64(p.scale)
	if seconds >= uint64(MaxDuration/time.Second) {
		return VideoFacts{}, ErrNotVideo
	}
	p.facts.Duration = time.Duration(seconds)*time.Second +
		time.Duration(rest*uint64(time.Second)/uint64(p.scale)) //nolint:gosec // less than a second
	return p.facts, nil
}

// known is a duration, 0 if all its bits are set, which is how a file says that
// it does not know.
func known(version uint8, duration uint64) uint64 {
	if duration == math.MaxUint64 || version == 0 && duration == math.MaxUint32 {
		return 0
	}
	return duration
}
