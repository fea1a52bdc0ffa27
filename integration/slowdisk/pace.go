package main

import (
	"sync"
	"time"
)

// pace makes operations wait as a disk of a certain speed does: one after the other, each for as long as its size and being an operation
// at all take at that speed. Safe for concurrent use.
type pace struct {
	mu          sync.Mutex
	iops, bytes float64   // a second; 0 for no limit
	free        time.Time // when the operations taken so far are done
	hung        chan struct{}
}

func (p *pace) limit(iops, bytes float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.iops, p.bytes, p.free = iops, bytes, time.Time{}
}

// hang lets every operation wait until release.
func (p *pace) hang() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hung == nil {
		p.hung = make(chan struct{})
	}
}

func (p *pace) release() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.hung != nil {
		close(p.hung)
		p.hung = nil
	}
}

// wait returns when an operation of so many bytes may be answered.
func (p *pace) wait(n int) {
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
	done, hung := p.free, p.hung
	p.mu.Unlock()
	if hung != nil {
		<-hung
	}
	time.Sleep(time.Until(done))
}
