// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"io"

	"github.com/kie-operator/kie-operator/internal/mp4"
)

// CheckedReader is the stream of a video that is checked while it is read. It
// ends with io.EOF only if all of it was a complete MP4 video. Its last byte is held
// back until that is certain, so that a reader which counts bytes instead of waiting
// for io.EOF never gets all of a broken video.
type CheckedReader struct {
	r         io.Reader
	inspector mp4.Inspector
	buffer    []byte
	pending   []byte // of buffer, inspected and not read yet
	facts     mp4.VideoFacts
	err       error // what there is after pending
}

// checkedBytes is how much is read at a time.
const checkedBytes = 64 << 10

// Checked is the stream of the video. Its errors are those of the download, and a
// *StorageError of the class NotVideo as soon as it is clear that it is not one.
func (d *Download) Checked() *CheckedReader { return checked(d, place(d.url)) }

func checked(r io.Reader, place string) *CheckedReader {
	return &CheckedReader{r: r, inspector: mp4.Inspector{Place: place}, buffer: make([]byte, checkedBytes)}
}

// Facts is what the video says of itself. It is empty before io.EOF.
func (c *CheckedReader) Facts() mp4.VideoFacts { return c.facts }

// Read reads what comes next and is fine so far.
func (c *CheckedReader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		sure := len(c.pending)
		if c.err == nil {
			sure-- // the last byte has to wait for the end
		}
		if sure > 0 {
			n := copy(p, c.pending[:sure])
			c.pending = c.pending[n:]
			return n, nil
		}
		if c.err != nil {
			return 0, c.err
		}
		c.fill()
	}
}

// fill reads and inspects what comes after the byte that waits.
func (c *CheckedReader) fill() {
	waiting := copy(c.buffer, c.pending)
	n, err := c.r.Read(c.buffer[waiting:])
	c.pending = c.buffer[:waiting+n]
	if _, refused := c.inspector.Write(c.pending[waiting:]); refused != nil {
		err = refused
	}
	if err == io.EOF { //nolint:errorlint // a host that hangs up causes an error that wraps io.EOF, which is not the end
		facts, refused := c.inspector.Finish()
		if refused == nil {
			c.facts, c.err = facts, io.EOF
			return
		}
		err = refused
	}
	if err != nil {
		c.pending, c.err = nil, err
	}
}
