@echo off
rem SPDX-License-Identifier: Apache-2.0
rem Installs hagent as a service with the least rights that work. To be run by an administrator, with the path of hagent.exe as the first
rem argument if it is not in Program Files. It runs as the system because signed scripts work on the whole device.
setlocal
set "PROGRAM=%~1"
if "%PROGRAM%"=="" set "PROGRAM=%ProgramFiles%\hagent\hagent.exe"
if not exist "%PROGRAM%" (
    echo There is no %PROGRAM%; give the path of hagent.exe as the first argument.
    exit /b 1
)
sc create hagent binPath= "\"%PROGRAM%\" run" start= delayed-auto DisplayName= "Thin client management agent" || exit /b 1
sc description hagent "Checks in with its manager, runs signed packages and reports (hagent)." || exit /b 1
rem A session that was interrupted goes on after the restart. An agent on trial that ends, with an exit code too, is started again: the
rem launcher, which is this program, spaces the starts and goes back to the agent before it.
sc failure hagent reset= 86400 actions= restart/10000/restart/10000/restart/60000 || exit /b 1
sc failureflag hagent 1 || exit /b 1
rem Files and keys can be given to NT SERVICE\hagent alone.
sc sidtype hagent unrestricted || exit /b 1
rem Of the system account's privileges it keeps: passing through folders, and RB and SP.
sc privs hagent SeChangeNotifyPrivilege/SeShutdownPrivilege || exit /b 1
rem The system and administrators control it, everybody else only sees that it is there.
sc sdset hagent D:(A;;CCLCSWRPWPDTLOCRRC;;;SY)(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)(A;;CCLCSWLOCRRC;;;AU) || exit /b 1
sc start hagent
