// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package artifact

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// box makes a box of an MP4 file.
func box(kind string, contents ...[]byte) []byte {
	content := slices.Concat(contents...)
	return slices.Concat(u32(uint32(8+len(content))), []byte(kind), content)
}

// largeBox makes a box whose size has 64 bits.
func largeBox(kind string, contents ...[]byte) []byte {
	content := slices.Concat(contents...)
	return slices.Concat(u32(1), []byte(kind), u64(uint64(16+len(content))), content)
}

// sized makes a box that claims to have some size.
func sized(kind string, size uint32, content ...byte) []byte {
	return slices.Concat(u32(size), []byte(kind), content)
}

func u32(n uint32) []byte { return binary.BigEndian.AppendUint32(nil, n) }
func u64(n uint64) []byte { return binary.BigEndian.AppendUint64(nil, n) }

var (
	ftyp = box("ftyp", []byte("isom\x00\x00\x02\x00isommp41"))
	mdat = box("mdat", make([]byte, 1000))
)

func mvhd(scale, duration uint32) []byte {
	return box("mvhd", u32(0), u32(0), u32(0), u32(scale), u32(duration), make([]byte, 80))
}

func mvhd64(scale uint32, duration uint64) []byte {
	return box("mvhd", u32(1<<24), u64(0), u64(0), u32(scale), u64(duration), make([]byte, 80))
}

func tkhd(width, height uint32) []byte {
	return box("tkhd", u32(7), u32(0), u32(0), u32(1), u32(0), u32(0), make([]byte, 52), u32(width<<16), u32(height<<16))
}

func hdlr(handler string) []byte {
	return box("hdlr", u32(0), u32(0), []byte(handler), make([]byte, 12), []byte("name\x00"))
}

func trak(handler string, width, height uint32) []byte {
	return box("trak", tkhd(width, height), box("mdia", hdlr(handler)))
}

var (
	picturesTrack = trak("vide", 1920, 1080)
	soundTrack    = trak("soun", 0, 0)
	halfHD        = VideoFacts{Width: 1920, Height: 1080, Duration: 1500 * time.Millisecond}
)

// small is a video of a second and a half, as far as its index goes.
func small(tracks ...[]byte) []byte {
	return slices.Concat(ftyp, box("moov", mvhd(1000, 1500), slices.Concat(tracks...)), mdat)
}

func TestProbeBytes(t *testing.T) {
	with := func(change func(*VideoFacts)) VideoFacts {
		facts := halfHD
		change(&facts)
		return facts
	}
	landscape := VideoFacts{Width: 1280, Height: 720, Duration: 8 * time.Second, Audio: true}
	moov := box("moov", mvhd(1000, 1500), picturesTrack)
	for _, tc := range []struct {
		reason string
		data   []byte
		want   VideoFacts
	}{
		{"a real one", video(t), landscape},
		{"pictures", small(picturesTrack), halfHD},
		{"pictures and sound", small(picturesTrack, soundTrack), with(func(f *VideoFacts) { f.Audio = true })},
		{"sound and pictures", small(soundTrack, picturesTrack), with(func(f *VideoFacts) { f.Audio = true })},
		{"subtitles are neither", small(picturesTrack, trak("text", 1, 1)), halfHD},
		{"previews are not the film", small(picturesTrack, trak("vide", 160, 90)), halfHD},
		{"the index at the end", slices.Concat(ftyp, mdat, moov), halfHD},
		{"the index after a box with a size of 64 bits", slices.Concat(ftyp, largeBox("mdat", make([]byte, 1000)), moov), halfHD},
		{"the index with a size of 64 bits", slices.Concat(ftyp, largeBox("moov", mvhd(1000, 1500), picturesTrack)), halfHD},
		{"the index up to the end of the file", slices.Concat(ftyp, sized("moov", 0), moov[8:]), halfHD},
		{"boxes that nobody knows", slices.Concat(ftyp, box("\x00\xff!!", make([]byte, 99)), box("free"), moov), halfHD},
		{"boxes that nobody knows, inside", small(box("udta", []byte("rubbish")), picturesTrack), halfHD},
		{"a few bytes after the last box", small(picturesTrack, []byte{0, 0, 0, 0}), halfHD},
		{"what is after the index is not read", slices.Concat(ftyp, moov, []byte("\x00\x00\x00\x02rubbish")), halfHD},
		{"times of 64 bits", slices.Concat(ftyp, box("moov", mvhd64(24000, 24024*10), picturesTrack)), with(func(f *VideoFacts) { f.Duration = 10010 * time.Millisecond })},
		{"a duration that is not known", slices.Concat(ftyp, box("moov", mvhd(1000, 1<<32-1), picturesTrack)), with(func(f *VideoFacts) { f.Duration = 0 })},
		{"a duration that is not known, of 64 bits", slices.Concat(ftyp, box("moov", mvhd64(1000, 1<<64-1), picturesTrack)), with(func(f *VideoFacts) { f.Duration = 0 })},
		{"fragments", slices.Concat(ftyp, box("moov", mvhd(1000, 0), picturesTrack, box("mvex", box("trex"), box("mehd", u32(0), u32(1500))))), halfHD},
		{"fragments, of nobody knows how long", slices.Concat(ftyp, box("moov", mvhd(1000, 0), picturesTrack, box("mvex"))), with(func(f *VideoFacts) { f.Duration = 0 })},
		{"the finest scale", slices.Concat(ftyp, box("moov", mvhd(1<<32-1, 1<<32-2), picturesTrack)), with(func(f *VideoFacts) { f.Duration = 999999999 })},
	} {
		got, err := probe(bytes.NewReader(tc.data))
		if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", tc.reason, err, diff)
		}
	}
}

func TestProbeBytesErrors(t *testing.T) {
	whole := small(picturesTrack)
	for _, tc := range []struct {
		reason string
		data   []byte
	}{
		{"nothing", nil},
		{"a page", []byte("<!DOCTYPE html><html><body>expired</body></html>")},
		{"an image", picture(t, "png")},
		{"the start of one", whole[:4]},
		{"the first box only", ftyp},
		{"no index", slices.Concat(ftyp, mdat)},
		{"half an index", whole[:len(ftyp)+60]},
		{"no first box", whole[len(ftyp):]},
		{"no header", slices.Concat(ftyp, box("moov", picturesTrack))},
		{"no pictures", small(soundTrack)},
		{"no tracks", small()},
		{"pictures of no width", small(trak("vide", 0, 720))},
		{"pictures of no height", small(trak("vide", 1280, 0))},
		{"a scale of nothing", slices.Concat(ftyp, box("moov", mvhd(0, 1500), picturesTrack))},
		{"days", slices.Concat(ftyp, box("moov", mvhd(1, 86400), picturesTrack))},
		{"ages", slices.Concat(ftyp, box("moov", mvhd64(1, 1<<63), picturesTrack))},
		{"a header that is too short", slices.Concat(ftyp, box("moov", box("mvhd", u32(0)), picturesTrack))},
		{"a header that is too long", slices.Concat(ftyp, box("moov", box("mvhd", make([]byte, 5000)), picturesTrack))},
		{"a header of another version", slices.Concat(ftyp, box("moov", box("mvhd", u32(9<<24), make([]byte, 200)), picturesTrack))},
		{"a box that is smaller than itself", slices.Concat(ftyp, sized("free", 7), mdat)},
		{"a box that is smaller than itself, of 64 bits", slices.Concat(ftyp, sized("free", 1, 0, 0, 0, 0, 0, 0, 0, 9), mdat)},
		{"a box of nothing, of 64 bits", slices.Concat(ftyp, sized("free", 1, 0, 0, 0, 0, 0, 0, 0, 0), mdat)},
		{"half a size of 64 bits", slices.Concat(ftyp, sized("free", 1, 0, 0, 0))},
		{"a box of all there could be", slices.Concat(ftyp, sized("moov", 1, 255, 255, 255, 255, 255, 255, 255, 255), mdat)},
		{"a box that is larger than the one around it", slices.Concat(ftyp, box("moov", mvhd(1000, 1500), sized("trak", 1<<20)), mdat)},
		{"a box to the end of the file, inside another one", slices.Concat(ftyp, box("moov", mvhd(1000, 1500), sized("trak", 0)), mdat)},
		{"more boxes than anybody needs", slices.Concat(ftyp, bytes.Repeat(box("free"), 5000), whole)},
		{"more boxes than anybody needs, inside", slices.Concat(ftyp, box("moov", bytes.Repeat(soundTrack, 3000)))},
	} {
		got, err := probe(bytes.NewReader(tc.data))
		if err == nil || got != (VideoFacts{}) {
			t.Errorf("%s: got %+v, %v, want an error", tc.reason, got, err)
		}
		if !errors.Is(err, ErrNotVideo) {
			t.Errorf("%s: got %v, want ErrNotVideo", tc.reason, err)
		}
	}
}

// What goes wrong while reading is not the video's fault.
func TestProbeKeepsErrorsOfReading(t *testing.T) {
	data := small(picturesTrack)
	for cut := range len(data) - len(mdat) {
		broken := errors.New("broken")
		_, err := probe(&failing{Reader: bytes.NewReader(data), at: int64(cut), err: broken})
		if !errors.Is(err, broken) {
			t.Errorf("broken at %d: got %v", cut, err)
		}
	}
}

// failing cannot read beyond some place.
type failing struct {
	*bytes.Reader
	at  int64
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	position := f.Size() - int64(f.Len())
	if position >= f.at {
		return 0, f.err
	}
	return f.Reader.Read(p[:min(int64(len(p)), f.at-position)])
}

// ranges is a host that serves a file, and counts what it sends.
type ranges struct {
	*counted
	sent atomic.Int64
}

func serving(t testing.TB, handler http.HandlerFunc) *ranges {
	t.Helper()
	s := &ranges{}
	s.counted = newServer(t, publicAddress, func(w http.ResponseWriter, r *http.Request) {
		handler(&measured{ResponseWriter: w, sent: &s.sent}, r)
	})
	return s
}

type measured struct {
	http.ResponseWriter
	sent *atomic.Int64
}

func (m *measured) Write(p []byte) (int, error) {
	m.sent.Add(int64(len(p)))
	return m.ResponseWriter.Write(p)
}

func content(data []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		http.ServeContent(w, r, "video.mp4", time.Time{}, bytes.NewReader(data))
	}
}

// ignoring is a host that sends all of a file, whatever it is asked for.
func ignoring(data []byte, tellsLength bool) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		if tellsLength {
			w.Header().Set("Content-Length", fmt.Sprint(len(data)))
		} else {
			_ = http.NewResponseController(w).Flush()
		}
		_, _ = w.Write(data)
	}
}

func TestProbe(t *testing.T) {
	landscape := VideoFacts{Width: 1280, Height: 720, Duration: 8 * time.Second, Audio: true}
	moov := box("moov", mvhd(1000, 1500), picturesTrack)
	film := box("mdat", make([]byte, 3<<20))
	long := box("mdat", make([]byte, 9<<20))
	for _, tc := range []struct {
		reason   string
		handler  http.HandlerFunc
		want     VideoFacts
		requests int32
	}{
		{"a real one", content(video(t)), landscape, 1},
		{"the index at the end", content(slices.Concat(ftyp, film, moov)), halfHD, 2},
		{"the index at the end of much", content(slices.Concat(ftyp, long, moov)), halfHD, 2},
		{"the index at the end, up to the end of the file", content(slices.Concat(ftyp, film, sized("moov", 0), moov[8:])), halfHD, 2},
		{"an index between two chunks", content(slices.Concat(ftyp, box("free", make([]byte, chunkBytes-len(ftyp)-8-50)), moov)), halfHD, 2},
		{"without ranges", ignoring(video(t), true), landscape, 1},
		{"without ranges, with the index at the end", ignoring(slices.Concat(ftyp, film, moov), true), halfHD, 1},
		{"without ranges or a length", ignoring(slices.Concat(ftyp, film, moov), false), halfHD, 1},
		{"without ranges or a length, and an index up to the end", ignoring(slices.Concat(ftyp, sized("moov", 0), moov[8:]), false), halfHD, 1},
		{"without ranges, much after the index", ignoring(slices.Concat(ftyp, moov, long), true), halfHD, 1},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			host := serving(t, tc.handler)
			got, err := newTestFetcher(t).Probe(t.Context(), host.URL+"/v.mp4?signature=s3cret")
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			if n := host.requests.Load(); n != tc.requests {
				t.Errorf("got %d requests, want %d", n, tc.requests)
			}
		})
	}
}

func TestProbeErrors(t *testing.T) {
	private := newServer(t, privateAddress, content(video(t)))
	film := box("mdat", make([]byte, 5<<20))
	moov := box("moov", mvhd(1000, 1500), picturesTrack)
	scattered := slices.Concat(ftyp, bytes.Repeat(box("free", make([]byte, 70<<10)), 100), moov)
	answering := func(status int, header map[string]string, content string) http.HandlerFunc {
		return page{status, header, []byte(content)}.serve
	}
	part := func(of string, content []byte) http.HandlerFunc {
		return answering(206, map[string]string{"Content-Range": of}, string(content))
	}
	for _, tc := range []struct {
		reason  string
		handler http.HandlerFunc
		want    error // nil for any
		words   string
	}{
		{"a page", answering(200, nil, "<!DOCTYPE html>"), ErrNotVideo, ""},
		{"nothing", answering(200, nil, ""), ErrNotVideo, ""},
		{"nothing, in ranges", answering(416, nil, ""), ErrNotVideo, ""},
		{"half of one", content(video(t)[:500]), ErrNotVideo, ""},
		{"not there", answering(404, nil, ""), nil, "answers 404"},
		{"not for us", answering(403, nil, ""), nil, "answers 403"},
		{"not well", answering(503, nil, ""), nil, "answers 503"},
		{"another part", part("bytes 5-100/1000", ftyp), nil, "another part"},
		{"a part of nobody knows what", part("", ftyp), nil, "another part"},
		{"a part without anything in it", part("bytes 0-100/1000", nil), errBrokenOff, ""},
		{"without ranges, and the index far at the end", ignoring(slices.Concat(ftyp, film, moov), true), errTooMuch, ""},
		{"without ranges or a length, and the index far at the end", ignoring(slices.Concat(ftyp, film, moov), false), errTooMuch, ""},
		{"scattered over more requests than anybody needs", content(scattered), errTooMuch, ""},
		{"a private address", http.RedirectHandler(private.URL+"/?signature=s3cret", http.StatusFound).ServeHTTP, ErrPrivateAddress, ""},
		{"no TLS", http.RedirectHandler("http://"+publicAddress+"/?signature=s3cret", http.StatusFound).ServeHTTP, ErrInsecureURL, ""},
		{"the answer breaks off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write(ftyp)
			_ = http.NewResponseController(w.(*measured).ResponseWriter).Flush()
			panic(http.ErrAbortHandler)
		}, errBrokenOff, ""},
		{"it changes", func() http.HandlerFunc {
			var n atomic.Int32
			return func(w http.ResponseWriter, r *http.Request) {
				content(slices.Concat(ftyp, film, moov, make([]byte, n.Add(1))))(w, r)
			}
		}(), nil, "changes while it is read"},
		{"without end", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(ftyp)
			for zeros := append([]byte("\x7f\xff\xff\xfffree"), make([]byte, 64<<10)...); ; {
				if _, err := w.Write(zeros); err != nil {
					return
				}
			}
		}, errTooMuch, ""},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			host := serving(t, tc.handler)
			got, err := newTestFetcher(t).Probe(t.Context(), strings.Replace(host.URL, "//", "//user:password@", 1)+"/v.mp4?signature=s3cret")
			if err == nil || got != (VideoFacts{}) {
				t.Fatalf("got %+v, %v, want an error", got, err)
			}
			if tc.want != nil && !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.words) {
				t.Errorf("got %v, want %v with the words %q", err, tc.want, tc.words)
			}
			if !strings.Contains(err.Error(), host.Listener.Addr().String()+"/v.mp4") || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "password") {
				t.Errorf("want the host and the path, and no more, in %q", err)
			}
			if n := host.requests.Load(); n > maxProbeRequests {
				t.Errorf("got %d requests", n)
			}
		})
	}
	if n := private.connections.Load(); n != 0 {
		t.Errorf("got %d connections to a private address, want 0", n)
	}
}

func TestProbeAsksForLittle(t *testing.T) {
	var asked []string
	host := serving(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.Header.Get("Range"))
		content(video(t))(w, r)
	})
	if _, err := newTestFetcher(t).Probe(t.Context(), host.URL); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"GET bytes=0-65535"}, asked); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := host.sent.Load(); n > chunkBytes {
		t.Errorf("got %d bytes", n)
	}
}

func TestProbeWithoutAnswer(t *testing.T) {
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	host := serving(t, content(video(t)))
	for _, tc := range []struct {
		reason string
		ctx    context.Context
		url    string
		want   error
	}{
		{"the caller has given up", cancelled, host.URL + "/?signature=s3cret", context.Canceled},
		{"no URL", t.Context(), "https://a b/?signature=s3cret", nil},
		{"no host", t.Context(), "v.mp4?signature=s3cret", nil},
	} {
		_, err := newTestFetcher(t).Probe(tc.ctx, tc.url)
		if err == nil || tc.want != nil && !errors.Is(err, tc.want) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: got %v, want %v", tc.reason, err, tc.want)
		}
	}
}

// The reader keeps to the rules of io.ReadSeeker.
func TestRangeReader(t *testing.T) {
	data := make([]byte, 200<<10)
	for i := range data {
		data[i] = byte(i >> 8)
	}
	host := serving(t, content(data))
	u, err := parseURL(host.URL)
	if err != nil {
		t.Fatal(err)
	}
	r := &rangeReader{ctx: t.Context(), client: newTestFetcher(t).client, url: u, size: -1}
	if _, err := r.Seek(0, io.SeekEnd); err == nil {
		t.Error("found the end of what was not seen yet")
	}
	for _, tc := range []struct {
		offset int64
		whence int
	}{{-1, io.SeekStart}, {-1, io.SeekCurrent}, {0, 9}} {
		if _, err := r.Seek(tc.offset, tc.whence); err == nil {
			t.Errorf("moved by %d from %d", tc.offset, tc.whence)
		}
	}
	if err := iotest.TestReader(r, data); err != nil {
		t.Error(err)
	}
}

// FuzzProbe holds what must be true of every file: it does not panic, it reads
// within its bounds, and it believes nothing impossible.
func FuzzProbe(f *testing.F) {
	moov := box("moov", mvhd(1000, 1500), picturesTrack)
	for _, data := range [][]byte{
		video(f)[:20000], small(picturesTrack, soundTrack), slices.Concat(ftyp, mdat, moov), slices.Concat(ftyp, sized("moov", 0), moov[8:]),
		slices.Concat(ftyp, largeBox("moov", mvhd64(24000, 240240), picturesTrack, box("mvex", box("mehd", u32(0), u32(1500))))),
		slices.Concat(ftyp, sized("moov", 1, 255, 255, 255, 255, 255, 255, 255, 255), mdat), slices.Concat(ftyp, sized("free", 1, 127, 255, 255, 255, 255, 255, 255, 240)),
		slices.Concat(sized("ftyp", 1, 255, 255, 255, 255, 255, 255, 255, 255), mdat), slices.Concat(ftyp, box("keys", u32(0), u32(1<<31))), nil,
	} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &greedy{Reader: bytes.NewReader(data)}
		facts, err := probe(r)
		if err != nil {
			if facts != (VideoFacts{}) {
				t.Errorf("facts beside an error: %+v", facts)
			}
			return
		}
		if facts.Width <= 0 || facts.Width > 65535 || facts.Height <= 0 || facts.Height > 65535 || facts.Duration < 0 || facts.Duration >= maxDuration {
			t.Errorf("impossible: %+v", facts)
		}
		if r.read > maxBoxes*(16+maxPayloadBytes) {
			t.Errorf("read %d bytes of %d", r.read, len(data))
		}
	})
}

// greedy counts what is read.
type greedy struct {
	*bytes.Reader
	read int
}

func (g *greedy) Read(p []byte) (int, error) {
	n, err := g.Reader.Read(p)
	g.read += n
	return n, err
}
