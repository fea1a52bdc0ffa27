package probe

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"time"

	"github.com/containernetworking/plugins/pkg/ns"
)

// Echo types of ICMP (RFC 792) and ICMPv6 (RFC 4443).
const (
	echoRequest4, echoReply4 = 8, 0
	echoRequest6, echoReply6 = 128, 129
)

// pingTime bounds all tries; an IPv6 address cannot be used before it is known to be nobody else's, which takes a second.
const (
	pingTime = 3 * time.Second
	pingTry  = 500 * time.Millisecond
)

// ping sends echo requests to an address from inside a namespace until one is answered, and returns how long that one took.
func ping(path string, to netip.Addr, dev string) (took time.Duration, err error) {
	nsErr := ns.WithNetNSPath(path, func(ns.NetNS) error {
		took, err = pingHere(to, dev)
		return nil
	})
	return took, errors.Join(nsErr, err)
}

func pingHere(to netip.Addr, dev string) (time.Duration, error) {
	network, request, reply := "ip4:icmp", byte(echoRequest4), byte(echoReply4)
	if to.Is6() {
		network, request, reply = "ip6:ipv6-icmp", echoRequest6, echoReply6
		if to.IsLinkLocalUnicast() {
			to = to.WithZone(dev)
		}
	}
	conn, err := net.ListenPacket(network, "")
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	id := uint16(os.Getpid())
	for end, seq := time.Now().Add(pingTime), uint16(1); ; seq++ {
		start := time.Now()
		if _, err = conn.WriteTo(echo(request, id, seq), &net.IPAddr{IP: to.AsSlice(), Zone: to.Zone()}); err == nil {
			if err = awaitReply(conn, reply, id, seq, start.Add(pingTry)); err == nil {
				return time.Since(start), nil
			}
		} else {
			time.Sleep(pingTry / 2)
		}
		if time.Now().After(end) {
			return 0, fmt.Errorf("no answer within %s: %w", pingTime, err)
		}
	}
}

// awaitReply reads until the answer to a request comes. What the socket gives begins with the ICMP header: package net takes the
// header of IPv4 away, and of IPv6 the kernel gives none.
func awaitReply(conn net.PacketConn, reply byte, id, seq uint16, deadline time.Time) error {
	if err := conn.SetReadDeadline(deadline); err != nil {
		return err
	}
	b := make([]byte, 1500)
	for {
		n, _, err := conn.ReadFrom(b)
		if err != nil {
			return err
		}
		if n >= 8 && b[0] == reply && binary.BigEndian.Uint16(b[4:]) == id && binary.BigEndian.Uint16(b[6:]) == seq {
			return nil
		}
	}
}

// echo is an echo request. The kernel fills in the checksum of ICMPv6.
func echo(kind byte, id, seq uint16) []byte {
	var b bytes.Buffer
	b.Write([]byte{kind, 0, 0, 0})
	_ = binary.Write(&b, binary.BigEndian, []uint16{id, seq}) // to memory
	b.WriteString("cni-shim")
	m := b.Bytes()
	var sum uint32
	for i := 0; i < len(m); i += 2 {
		sum += uint32(binary.BigEndian.Uint16(m[i:]))
	}
	sum = sum>>16 + sum&0xffff
	binary.BigEndian.PutUint16(m[2:], ^uint16(sum+sum>>16))
	return m
}
