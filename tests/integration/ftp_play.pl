# SPDX-License-Identifier: Apache-2.0
# One cell of the reply matrix, evaluated by curl's ftpserver.pl inside its customize(), for each control connection anew:
# $main::cell is [stage, code, times (0: always), key, size of the file].
my ($stage, $code, $times, $key, $size) = @$main::cell;
my $refuses = $stage ne '-' && ($times == 0 || $main::played{$key}++ < $times);
my $reply = "$code Scripted reply.\r\n";
my $whole = join '', map { sprintf "%07d\n", $_ } 0 .. $size / 8 - 1;
my $half = length($whole) / 2;
my $data = $refuses && $stage eq 'data';
my $final = $refuses && $stage eq 'final';
$rest = 0;
$commandreply{MDTM} = "213 20260101000000\r\n";
$commandreply{SIZE} = "213 $size\r\n";
$commandreply{EPSV} = "500 Not here.\r\n" if $stage eq 'PASV';
# Codes that are the right ones at their stage come with all that belongs to them.
my $begins = $stage eq 'RETR' && ($code == 125 || $code == 150) || $stage eq 'STOR' && $code < 200;
my $opening = $refuses && $begins ? $reply : "150 Here it comes.\r\n";
$commandfunc{RETR} = sub {
    my $end = $data ? $half : length $whole;
    sendcontrol $opening;
    senddata substr($whole, $rest, $end - $rest) if $rest < $end;
    close_dataconn(0);
    sendcontrol $data || $final ? $reply : "226 Done.\r\n";
};
$commandfunc{STOR} = sub {
    my ($tag, $length, $bytes, $gone) = ('', '', '', 0);
    sendcontrol $opening;
    while (5 == (sysread(DREAD, $tag, 5) // 0)) {
        if ($tag eq "DISC\n") {
            print DWRITE "ACKD\n";
            $gone = 1;
            last;
        }
        last if $tag ne "DATA\n" || 5 != (sysread(DREAD, $length, 5) // 0);
        read_datasockf(\$bytes, hex substr $length, 0, 4);
    }
    close_dataconn($gone);
    sendcontrol $refuses && $stage eq 'stored' ? $reply : "226 Done.\r\n";
};
if ($refuses && !$begins && $stage !~ /^(data|final|stored)$/ && ({PASV => 227, EPSV => 229, REST => 350}->{$stage} // 0) != $code) {
    my $greeting = "$code Scripted reply." . ($code == 120 ? "\r\n220 Ready." : '');  # another reply follows
    $commandreply{$stage eq 'greeting' ? 'welcome' : $stage} = $stage eq 'greeting' ? $greeting : $reply;
}
1;
