-- | The node: sockets, orders, and processes that are never upgraded.
--
-- > node STYLE PORT PROCESSES
--
-- Pings on 127.0.0.1:PORT, orders on the UNIX socket @control@ in the current folder, version N of the module in @PingPong-N.o@.
-- Process 0 runs the module; the others are its siblings, whose code is in here.
module Main (main) where

import Control.Concurrent (forkIO)
import Control.Concurrent.MVar
import Control.Distributed.Process
import Control.Distributed.Process.Node (LocalNode, forkProcess)
import Control.Monad (forever, void, when)
import qualified Data.ByteString.Char8 as B
import Network.Socket
import System.Directory (removePathForcibly)
import System.Environment (getArgs)
import System.IO
import System.IO.Error (tryIOError)

import Core
import Linker (initLinker)
import NewNode (newNode)

main :: IO ()
main = do
  [how, port, many] <- getArgs
  hSetBuffering stdout LineBuffering
  initLinker
  first <- boot 1 >>= either fail return
  node <- newNode
  them <- newTable
  set <- newEmptyMVar
  void $ forkProcess node $ do
    started (read how) them >>= spawnLocal . first Nothing >>= place them 0
    mapM_ (\which -> started (read how) them >>= spawnLocal . sibling >>= place them which) [1 .. read many - 1]
    liftIO (putMVar set ())
  takeMVar set
  removePathForcibly "control"
  orders <- listening AF_UNIX (SockAddrUnix "control")
  void $ forkIO $ accepting orders (ordersFrom node them)
  pings <- listening AF_INET (SockAddrInet (read port) (tupleToHostAddress (127, 0, 0, 1)))
  putStrLn "ready"
  setSocketOption pings NoDelay 1 -- and with it, on whatever it accepts
  accepting pings (pingsFrom node them)

listening :: Family -> SockAddr -> IO Socket
listening family address = do
  listener <- socket family Stream defaultProtocol
  withFdSocket listener setCloseOnExecIfNeeded
  when (family == AF_INET) $ setSocketOption listener ReuseAddr 1
  bind listener address
  listen listener 1024
  return listener

accepting :: Socket -> (Handle -> IO ()) -> IO ()
accepting listener serve = forever $ do
  (connection, _) <- accept listener
  handle <- socketToHandle connection ReadWriteMode
  hSetBuffering handle (BlockBuffering Nothing)
  serve handle

-- | A process that is never upgraded, and answers without a version.
sibling :: State -> Process ()
sibling state = do
  message <- expect
  case message of
    Asked it -> do
      let n = answered state + 1
      send (from it) (Pong it Nothing (incarnation state) n)
      sibling state { answered = n }
    Ordered _ -> sibling state

-- | A connection is two processes on the node: one puts pings into the others' mailboxes, one waits for their pongs.
pingsFrom :: LocalNode -> Table -> Handle -> IO ()
pingsFrom node them handle = void $ forkProcess node $ do
  writer <- spawnLocal (writes handle)
  eachLine handle $ \line -> case mapM B.readInt (drop 1 (B.words line)) of
    Just ((s, _) : (n, _) : (p, _) : _) | B.pack "PING" `B.isPrefixOf` line ->
      at them p >>= maybe (return ()) (\who -> send who (Asked (Ping writer s n p)))
    _ -> liftIO (hClose handle)
  send writer NoMore

writes :: Handle -> Process ()
writes handle = do
  pong <- expect
  case pong of
    NoMore -> liftIO (void (tryIOError (hClose handle)))
    Pong it v l c -> do
      let numbers = map show [stream it, number it, process it] ++ [maybe "-" show v, show l, show c]
      void $ liftIO $ tryIOError $ B.hPutStrLn handle (B.pack (unwords ("PONG" : numbers))) >> hFlush handle
      writes handle

-- | One order per connection. @upgrade N@: process 0 is told, and does it on the next ping that it takes. The answer: @ok@ or @error WHY@,
-- that ping as @trigger STREAM SEQ PROCESS@, and @end@.
ordersFrom :: LocalNode -> Table -> Handle -> IO ()
ordersFrom node them handle = void $ forkProcess node $ do
  line <- liftIO (tryIOError (B.hGetLine handle))
  case B.words <$> line of
    Right [verb, n] | verb == B.pack "upgrade", Just (which, _) <- B.readInt n -> do
      me <- getSelfPid
      at them 0 >>= mapM_ (\who -> send who (Ordered (Order which me)))
      done <- expect
      let it = trigger done
      liftIO $ void $ tryIOError $ do
        hPutStrLn handle (maybe "ok" ("error " ++) (problem done))
        hPutStrLn handle (unwords ("trigger" : map show [stream it, number it, process it]))
        hPutStrLn handle "end"
        hFlush handle
      liftIO (mapM_ (\why -> putStrLn ("version " ++ show which ++ " is refused: " ++ why)) (problem done))
    _ -> return ()
  liftIO (void (tryIOError (hClose handle)))

eachLine :: Handle -> (B.ByteString -> Process ()) -> Process ()
eachLine handle act = do
  line <- liftIO (tryIOError (B.hGetLine handle))
  either (const (return ())) (\text -> act text >> eachLine handle act) line
