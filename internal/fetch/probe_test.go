// Copyright The kie-operator Authors.
// SPDX-License-Identifier: Apache-2.0

package fetch

import (
	"bytes"
	"context"
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

	"github.com/kie-operator/kie-operator/internal/egress"
	"github.com/kie-operator/kie-operator/internal/fixture/media"
	"github.com/kie-operator/kie-operator/internal/mp4"
)

func mvhd64(scale uint32, duration uint64) []byte {
	return media.Box("mvhd", media.U32(1<<24), media.U64(0), media.U64(0), media.U32(scale), media.U64(duration), make([]byte, 80))
}

func TestProbeBytes(t *testing.T) {
	with := func(change func(*mp4.VideoFacts)) mp4.VideoFacts {
		facts := media.HalfHD
		change(&facts)
		return facts
	}
	landscape := mp4.VideoFacts{Width: 1280, Height: 720, Duration: 8 * time.Second, Audio: true}
	moov := media.Box("moov", media.Mvhd(1000, 1500), media.PicturesTrack)
	for _, tc := range []struct {
		reason string
		data   []byte
		want   mp4.VideoFacts
	}{
		{"a real one", media.Video(t), landscape},
		{"pictures", media.Small(media.PicturesTrack), media.HalfHD},
		{"pictures and sound", media.Small(media.PicturesTrack, media.SoundTrack), with(func(f *mp4.VideoFacts) { f.Audio = true })},
		{"sound and pictures", media.Small(media.SoundTrack, media.PicturesTrack), with(func(f *mp4.VideoFacts) { f.Audio = true })},
		{"subtitles are neither", media.Small(media.PicturesTrack, media.Trak("text", 1, 1)), media.HalfHD},
		{"previews are not the film", media.Small(media.PicturesTrack, media.Trak("vide", 160, 90)), media.HalfHD},
		{"the index at the end", slices.Concat(media.Ftyp, media.Mdat, moov), media.HalfHD},
		{"the index after a box with a size of 64 bits", slices.Concat(media.Ftyp, media.LargeBox("mdat", make([]byte, 1000)), moov), media.HalfHD},
		{"the index with a size of 64 bits", slices.Concat(media.Ftyp, media.LargeBox("moov", media.Mvhd(1000, 1500), media.PicturesTrack)), media.HalfHD},
		{"the index up to the end of the file", slices.Concat(media.Ftyp, media.Sized("moov", 0), moov[8:]), media.HalfHD},
		{"boxes that nobody knows", slices.Concat(media.Ftyp, media.Box("\x00\xff!!", make([]byte, 99)), media.Box("free"), moov), media.HalfHD},
		{"boxes that nobody knows, inside", media.Small(media.Box("udta", []byte("rubbish")), media.PicturesTrack), media.HalfHD},
		{"a few bytes after the last box", media.Small(media.PicturesTrack, []byte{0, 0, 0, 0}), media.HalfHD},
		{"what is after the index is not read", slices.Concat(media.Ftyp, moov, []byte("\x00\x00\x00\x02rubbish")), media.HalfHD},
		{"times of 64 bits", slices.Concat(media.Ftyp, media.Box("moov", mvhd64(24000, 24024*10), media.PicturesTrack)), with(func(f *mp4.VideoFacts) { f.Duration = 10010 * time.Millisecond })},
		{"a duration that is not known", slices.Concat(media.Ftyp, media.Box("moov", media.Mvhd(1000, 1<<32-1), media.PicturesTrack)), with(func(f *mp4.VideoFacts) { f.Duration = 0 })},
		{"a duration that is not known, of 64 bits", slices.Concat(media.Ftyp, media.Box("moov", mvhd64(1000, 1<<64-1), media.PicturesTrack)), with(func(f *mp4.VideoFacts) { f.Duration = 0 })},
		{"fragments", slices.Concat(media.Ftyp, media.Box("moov", media.Mvhd(1000, 0), media.PicturesTrack, media.Box("mvex", media.Box("trex"), media.Box("mehd", media.U32(0), media.U32(1500))))), media.HalfHD},
		{"fragments, of nobody knows how long", slices.Concat(media.Ftyp, media.Box("moov", media.Mvhd(1000, 0), media.PicturesTrack, media.Box("mvex"))), with(func(f *mp4.VideoFacts) { f.Duration = 0 })},
		{"the finest scale", slices.Concat(media.Ftyp, media.Box("moov", media.Mvhd(1<<32-1, 1<<32-2), media.PicturesTrack)), with(func(f *mp4.VideoFacts) { f.Duration = 999999999 })},
	} {
		got, err := mp4.Probe(bytes.NewReader(tc.data))
		if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", tc.reason, err, diff)
		}
	}
}

func TestProbeBytesErrors(t *testing.T) {
	whole := media.Small(media.PicturesTrack)
	for _, tc := range []struct {
		reason string
		data   []byte
	}{
		{"nothing", nil},
		{"a page", []byte("<!DOCTYPE html><html><body>expired</body></html>")},
		{"an image", media.Picture(t, "png")},
		{"the start of one", whole[:4]},
		{"the first box only", media.Ftyp},
		{"no index", slices.Concat(media.Ftyp, media.Mdat)},
		{"half an index", whole[:len(media.Ftyp)+60]},
		{"no first box", whole[len(media.Ftyp):]},
		{"no header", slices.Concat(media.Ftyp, media.Box("moov", media.PicturesTrack))},
		{"no pictures", media.Small(media.SoundTrack)},
		{"no tracks", media.Small()},
		{"pictures of no width", media.Small(media.Trak("vide", 0, 720))},
		{"pictures of no height", media.Small(media.Trak("vide", 1280, 0))},
		{"a scale of nothing", slices.Concat(media.Ftyp, media.Box("moov", media.Mvhd(0, 1500), media.PicturesTrack))},
		{"days", slices.Concat(media.Ftyp, media.Box("moov", media.Mvhd(1, 86400), media.PicturesTrack))},
		{"ages", slices.Concat(media.Ftyp, media.Box("moov", mvhd64(1, 1<<63), media.PicturesTrack))},
		{"a header that is too short", slices.Concat(media.Ftyp, media.Box("moov", media.Box("mvhd", media.U32(0)), media.PicturesTrack))},
		{"a header that is too long", slices.Concat(media.Ftyp, media.Box("moov", media.Box("mvhd", make([]byte, 5000)), media.PicturesTrack))},
		{"a header of another version", slices.Concat(media.Ftyp, media.Box("moov", media.Box("mvhd", media.U32(9<<24), make([]byte, 200)), media.PicturesTrack))},
		{"a box that is smaller than itself", slices.Concat(media.Ftyp, media.Sized("free", 7), media.Mdat)},
		{"a box that is smaller than itself, of 64 bits", slices.Concat(media.Ftyp, media.Sized("free", 1, 0, 0, 0, 0, 0, 0, 0, 9), media.Mdat)},
		{"a box of nothing, of 64 bits", slices.Concat(media.Ftyp, media.Sized("free", 1, 0, 0, 0, 0, 0, 0, 0, 0), media.Mdat)},
		{"half a size of 64 bits", slices.Concat(media.Ftyp, media.Sized("free", 1, 0, 0, 0))},
		{"a box of all there could be", slices.Concat(media.Ftyp, media.Sized("moov", 1, 255, 255, 255, 255, 255, 255, 255, 255), media.Mdat)},
		{"a box that is larger than the one around it", slices.Concat(media.Ftyp, media.Box("moov", media.Mvhd(1000, 1500), media.Sized("trak", 1<<20)), media.Mdat)},
		{"a box to the end of the file, inside another one", slices.Concat(media.Ftyp, media.Box("moov", media.Mvhd(1000, 1500), media.Sized("trak", 0)), media.Mdat)},
		{"more boxes than anybody needs", slices.Concat(media.Ftyp, bytes.Repeat(media.Box("free"), 5000), whole)},
		{"more boxes than anybody needs, inside", slices.Concat(media.Ftyp, media.Box("moov", bytes.Repeat(media.SoundTrack, 3000)))},
	} {
		got, err := mp4.Probe(bytes.NewReader(tc.data))
		if err == nil || got != (mp4.VideoFacts{}) {
			t.Errorf("%s: got %+v, %v, want an error", tc.reason, got, err)
		}
		if !errors.Is(err, mp4.ErrNotVideo) {
			t.Errorf("%s: got %v, want ErrNotVideo", tc.reason, err)
		}
	}
}

// What goes wrong while reading is not the video's fault.
func TestProbeKeepsErrorsOfReading(t *testing.T) {
	data := media.Small(media.PicturesTrack)
	for cut := range len(data) - len(media.Mdat) {
		broken := errors.New("broken")
		_, err := mp4.Probe(&failing{Reader: bytes.NewReader(data), at: int64(cut), err: broken})
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
	*media.Counted
	sent atomic.Int64
}

func serving(t testing.TB, handler http.HandlerFunc) *ranges {
	t.Helper()
	s := &ranges{}
	s.Counted = media.NewServer(t, media.PublicAddress, func(w http.ResponseWriter, r *http.Request) {
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
	landscape := mp4.VideoFacts{Width: 1280, Height: 720, Duration: 8 * time.Second, Audio: true}
	moov := media.Box("moov", media.Mvhd(1000, 1500), media.PicturesTrack)
	film := media.Box("mdat", make([]byte, 3<<20))
	long := media.Box("mdat", make([]byte, 9<<20))
	for _, tc := range []struct {
		reason   string
		handler  http.HandlerFunc
		want     mp4.VideoFacts
		requests int32
	}{
		{"a real one", content(media.Video(t)), landscape, 1},
		{"the index at the end", content(slices.Concat(media.Ftyp, film, moov)), media.HalfHD, 2},
		{"the index at the end of much", content(slices.Concat(media.Ftyp, long, moov)), media.HalfHD, 2},
		{"the index at the end, up to the end of the file", content(slices.Concat(media.Ftyp, film, media.Sized("moov", 0), moov[8:])), media.HalfHD, 2},
		{"an index between two chunks", content(slices.Concat(media.Ftyp, media.Box("free", make([]byte, chunkBytes-len(media.Ftyp)-8-50)), moov)), media.HalfHD, 2},
		{"without ranges", ignoring(media.Video(t), true), landscape, 1},
		{"without ranges, with the index at the end", ignoring(slices.Concat(media.Ftyp, film, moov), true), media.HalfHD, 1},
		{"without ranges or a length", ignoring(slices.Concat(media.Ftyp, film, moov), false), media.HalfHD, 1},
		{"without ranges or a length, and an index up to the end", ignoring(slices.Concat(media.Ftyp, media.Sized("moov", 0), moov[8:]), false), media.HalfHD, 1},
		{"without ranges, much after the index", ignoring(slices.Concat(media.Ftyp, moov, long), true), media.HalfHD, 1},
	} {
		t.Run(tc.reason, func(t *testing.T) {
			host := serving(t, tc.handler)
			got, err := newTestFetcher(t).Probe(t.Context(), host.URL+"/v.mp4?signature=s3cret")
			if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
				t.Errorf("%v (-want +got):\n%s", err, diff)
			}
			if n := host.Requests.Load(); n != tc.requests {
				t.Errorf("got %d requests, want %d", n, tc.requests)
			}
		})
	}
}

func TestProbeErrors(t *testing.T) {
	private := media.NewServer(t, media.PrivateAddress, content(media.Video(t)))
	film := media.Box("mdat", make([]byte, 5<<20))
	moov := media.Box("moov", media.Mvhd(1000, 1500), media.PicturesTrack)
	scattered := slices.Concat(media.Ftyp, bytes.Repeat(media.Box("free", make([]byte, 70<<10)), 100), moov)
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
		{"a page", answering(200, nil, "<!DOCTYPE html>"), mp4.ErrNotVideo, ""},
		{"nothing", answering(200, nil, ""), mp4.ErrNotVideo, ""},
		{"nothing, in ranges", answering(416, nil, ""), mp4.ErrNotVideo, ""},
		{"half of one", content(media.Video(t)[:500]), mp4.ErrNotVideo, ""},
		{"not there", answering(404, nil, ""), nil, "answers 404"},
		{"not for us", answering(403, nil, ""), nil, "answers 403"},
		{"not well", answering(503, nil, ""), nil, "answers 503"},
		{"another part", part("bytes 5-100/1000", media.Ftyp), nil, "another part"},
		{"a part of nobody knows what", part("", media.Ftyp), nil, "another part"},
		{"a part without anything in it", part("bytes 0-100/1000", nil), errBrokenOff, ""},
		{"without ranges, and the index far at the end", ignoring(slices.Concat(media.Ftyp, film, moov), true), errTooMuch, ""},
		{"without ranges or a length, and the index far at the end", ignoring(slices.Concat(media.Ftyp, film, moov), false), errTooMuch, ""},
		{"scattered over more requests than anybody needs", content(scattered), errTooMuch, ""},
		{"a private address", http.RedirectHandler(private.URL+"/?signature=s3cret", http.StatusFound).ServeHTTP, egress.ErrPrivateAddress, ""},
		{"no TLS", http.RedirectHandler("http://"+media.PublicAddress+"/?signature=s3cret", http.StatusFound).ServeHTTP, egress.ErrInsecureURL, ""},
		{"the answer breaks off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write(media.Ftyp)
			_ = http.NewResponseController(w.(*measured).ResponseWriter).Flush()
			panic(http.ErrAbortHandler)
		}, errBrokenOff, ""},
		{"it changes", func() http.HandlerFunc {
			var n atomic.Int32
			return func(w http.ResponseWriter, r *http.Request) {
				content(slices.Concat(media.Ftyp, film, moov, make([]byte, n.Add(1))))(w, r)
			}
		}(), nil, "changes while it is read"},
		{"without end", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write(media.Ftyp)
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
			if err == nil || got != (mp4.VideoFacts{}) {
				t.Fatalf("got %+v, %v, want an error", got, err)
			}
			if tc.want != nil && !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.words) {
				t.Errorf("got %v, want %v with the words %q", err, tc.want, tc.words)
			}
			if !strings.Contains(err.Error(), host.Listener.Addr().String()+"/v.mp4") || strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "password") {
				t.Errorf("want the host and the path, and no more, in %q", err)
			}
			if n := host.Requests.Load(); n > maxProbeRequests {
				t.Errorf("got %d requests", n)
			}
		})
	}
	if n := private.Connections.Load(); n != 0 {
		t.Errorf("got %d connections to a private address, want 0", n)
	}
}

func TestProbeAsksForLittle(t *testing.T) {
	var asked []string
	host := serving(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.Header.Get("Range"))
		content(media.Video(t))(w, r)
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
	host := serving(t, content(media.Video(t)))
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
	moov := media.Box("moov", media.Mvhd(1000, 1500), media.PicturesTrack)
	for _, data := range [][]byte{
		media.Video(f)[:20000], media.Small(media.PicturesTrack, media.SoundTrack), slices.Concat(media.Ftyp, media.Mdat, moov), slices.Concat(media.Ftyp, media.Sized("moov", 0), moov[8:]),
		slices.Concat(media.Ftyp, media.LargeBox("moov", mvhd64(24000, 240240), media.PicturesTrack, media.Box("mvex", media.Box("mehd", media.U32(0), media.U32(1500))))),
		slices.Concat(media.Ftyp, media.Sized("moov", 1, 255, 255, 255, 255, 255, 255, 255, 255), media.Mdat), slices.Concat(media.Ftyp, media.Sized("free", 1, 127, 255, 255, 255, 255, 255, 255, 240)),
		slices.Concat(media.Sized("ftyp", 1, 255, 255, 255, 255, 255, 255, 255, 255), media.Mdat), slices.Concat(media.Ftyp, media.Box("keys", media.U32(0), media.U32(1<<31))), nil,
	} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r := &greedy{Reader: bytes.NewReader(data)}
		facts, err := mp4.Probe(r)
		if err != nil {
			if facts != (mp4.VideoFacts{}) {
				t.Errorf("facts beside an error: %+v", facts)
			}
			return
		}
		if facts.Width <= 0 || facts.Width > 65535 || facts.Height <= 0 || facts.Height > 65535 || facts.Duration < 0 || facts.Duration >= mp4.MaxDuration {
			t.Errorf("impossible: %+v", facts)
		}
		if r.read > mp4.MaxBoxes*(16+mp4.MaxPayloadBytes) {
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
