{-# LANGUAGE MagicHash, UnboxedTuples #-}
-- | GHC's run-time linker, by its C functions.
--
-- Three things it does not forgive. A path that is loaded already is not loaded again, and that counts as success: each version has a
-- path of its own. And it reads what it is given: an object that is cut short ends the OS process.
-- And its list of objects is also the garbage collector's, when that looks for code that may be freed; in GHC 9.0 nothing keeps the two apart:
-- a major collection during a load ends in a crash, or in a walk around the list for ever. So 'quiet' comes before.
module Linker (initLinker, quiet, unload, load) where

import Control.Monad (void)
import Foreign.C.String (CString, withCString)
import Foreign.C.Types (CInt (..))
import Foreign.Ptr (nullPtr)
import GHC.Exts (Ptr (..), addrToAny#)
import System.Mem (performMajorGC)

foreign import ccall safe "initLinker_" initLinker_ :: CInt -> IO ()
foreign import ccall safe "loadObj" c_loadObj :: CString -> IO CInt
foreign import ccall safe "resolveObjs" c_resolveObjs :: IO CInt
foreign import ccall safe "lookupSymbol" c_lookupSymbol :: CString -> IO (Ptr ())
foreign import ccall safe "unloadObj" c_unloadObj :: CString -> IO CInt

-- | Once, before anything else. 0: constants of loaded code are not kept for ever, or nothing that has been unloaded would ever be
-- freed. (Those of the node itself are kept, by -fkeep-cafs, since what is loaded refers to them.)
initLinker :: IO ()
initLinker = initLinker_ 0

-- | The collector runs now, so that it has no reason to before the node has allocated as much again as it may (-A32m in @build@), which
-- takes longer than a load. (The calls could be unsafe ones instead, which nothing runs beside; but then the whole node would stand still
-- while an object is loaded.)
quiet :: IO ()
quiet = performMajorGC

-- | Its names are free for another object at once; its memory goes when nothing refers to it any more, which the garbage collector sees.
unload :: FilePath -> IO ()
unload path = void (withCString path c_unloadObj)

-- | Loads the object and finds the value. Of what type that is, nobody checks: another one than the caller believes is undefined behaviour.
load :: FilePath -> String -> IO (Either String a)
load path symbol = do
  loaded <- withCString path c_loadObj
  resolved <- if loaded /= 0 then c_resolveObjs else return 0
  at <- if loaded /= 0 && resolved /= 0 then withCString symbol c_lookupSymbol else return nullPtr
  if at /= nullPtr then return (Right (value at)) else do
    if loaded /= 0 then unload path else return ()
    return (Left (if loaded == 0 then "cannot be loaded" else if resolved == 0 then "a symbol is missing" else "has no " ++ symbol))

value :: Ptr () -> a
value (Ptr address) = case addrToAny# address of (# it #) -> it
