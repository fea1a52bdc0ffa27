package main

import (
	"sync"
	"time"
)

// pace makes operations wait as a disk of a certain speed does: one after the other, each for as long as its size and
// being an operation at all take at that speed. Safe for concurrent use.
type pace struct {
	mu          sync.Mutex
	iops, bytes float64       // a second; 0 for no limit
	free        time.Time     // when the operations taken so far are done
	stopped     chan struct{} // who has to wait does so until it is closed; nil for nobody
	writesOnly  bool          // has to wait then
}

func (p *pace) limit(iops, bytes float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.iops, p.bytes, p.free = iops, bytes, time.Time{}
}

// stop lets every operation wait until release, or every write.
func (p *pace) stop(writesOnly bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped == nil {
		p.stopped = make(chan struct{})
	}
	p.writesOnly = writesOnly
}

func (p *pace) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped != nil {
		close(p.stopped)
		p.stopped = nil
	}
}

// wait returns when an operation of so many bytes may be answered.
func (p *pace) wait(n int, write bool) {
	p.mu.Lock()
	var takes time.Duration
	if p.iops > 0 {
		takes = time.Duration(float64(time.Second) / p.iops)
	}
	if p.bytes > 0 {
		takes = max(takes, time.Duration(float64(n)/p.bytes*float64(time.Second)))
	}
	if now := time.Now(); p.free.Before(now) {
		p.free = now
	}
	p.free = p.free.Add(takes)
	done, stopped, passes := p.free, p.stopped, p.writesOnly && !write
	p.mu.Unlock()
	if stopped != nil && !passes {
		<-stopped
	}
	time.Sleep(time.Until(done))
}
